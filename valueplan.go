package luagw

import (
	"cmp"
	"encoding"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/luagw/luagw/internal/msgpack"
)

// form is the way in which the values of a type travel.
type form uint8

const (
	formRefused form = iota
	formBool
	formInt
	formUint
	formFloat32
	formFloat64
	formString
	formBytes     // a slice of bytes
	formByteArray // an array of bytes
	formSlice
	formArray
	formMap
	formStruct
	formPointer
	formInterface
	formTime
	formChannel
	formRaw
	formMarshaler
	formText  // an encoding.TextMarshaler
	formError // an error, by its text
)

// plan tells how the values of one type are encoded and decoded. Plans are
// made once for each type and never change, so they may be shared.
type plan struct {
	typ  reflect.Type
	form form // by the type's kind; both ways if no method is better

	// encoded is the form in which values are sent: a method's, or form.
	// byPointer is set if only the pointer to the type has the method.
	encoded   form
	byPointer bool

	// The pointer to the type has these methods.
	unmarshaler     bool
	textUnmarshaler bool

	key, elem *plan        // of a map; elem also of a slice, array or pointer
	fields    []*fieldPlan // of a struct, in their order
	byName    map[string]*fieldPlan
	optional  bool // some fields are not always sent
}

// fieldPlan tells how one field of a struct travels.
type fieldPlan struct {
	name      string
	encoded   []byte // the name's encoding
	index     []int  // as for reflect.Value.FieldByIndex
	plan      *plan
	omitEmpty bool
	tagged    bool
	optional  bool // may be left out: omitEmpty, or below an embedded pointer
}

var (
	timeType            = reflect.TypeFor[time.Time]()
	channelType         = reflect.TypeFor[*Channel]()
	rawType             = reflect.TypeFor[Raw]()
	anyListType         = reflect.TypeFor[[]any]()
	anyMapType          = reflect.TypeFor[map[string]any]()
	errorType           = reflect.TypeFor[error]()
	marshalerType       = reflect.TypeFor[Marshaler]()
	unmarshalerType     = reflect.TypeFor[Unmarshaler]()
	textMarshalerType   = reflect.TypeFor[encoding.TextMarshaler]()
	textUnmarshalerType = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// plans holds a *plan for each reflect.Type that was met.
var plans sync.Map

func planOf(t reflect.Type) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan)
	}
	pl := planner{}
	p := pl.plan(t)
	// Stored only now that all are complete: a type may contain itself.
	for t, p := range pl {
		plans.LoadOrStore(t, p)
	}
	return p
}

// planner holds the plans that are being made, some of them not yet complete.
type planner map[reflect.Type]*plan

func (pl planner) plan(t reflect.Type) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan)
	}
	if p, ok := pl[t]; ok {
		return p
	}
	p := &plan{typ: t}
	pl[t] = p
	if p.form = specialForm(t); p.form != formRefused {
		p.encoded = p.form
		return p
	}
	p.methods()
	pl.byKind(p)
	if p.encoded == formRefused {
		p.encoded = p.form
	}
	return p
}

// specialForm is that of the few types which have one of their own.
func specialForm(t reflect.Type) form {
	switch t {
	case timeType:
		return formTime
	case channelType:
		return formChannel
	case rawType:
		return formRaw
	}
	return formRefused
}

// methods notes which methods of p's type decide how its values travel. An
// interface has none: what is in it decides.
func (p *plan) methods() {
	if p.typ.Kind() == reflect.Interface {
		return
	}
	pointer := reflect.PointerTo(p.typ)
	p.unmarshaler = pointer.Implements(unmarshalerType)
	p.textUnmarshaler = pointer.Implements(textUnmarshalerType)
	for _, m := range []struct {
		typ  reflect.Type
		form form
	}{
		{marshalerType, formMarshaler},
		{textMarshalerType, formText},
		{errorType, formError},
	} {
		if pointer.Implements(m.typ) {
			p.encoded = m.form
			p.byPointer = !p.typ.Implements(m.typ)
			return
		}
	}
}

// byKind sets p's form, and plans what its type is made of.
func (pl planner) byKind(p *plan) {
	t := p.typ
	switch t.Kind() {
	case reflect.Bool:
		p.form = formBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		p.form = formInt
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		p.form = formUint
	case reflect.Float32:
		p.form = formFloat32
	case reflect.Float64:
		p.form = formFloat64
	case reflect.String:
		p.form = formString
	case reflect.Interface:
		p.form = formInterface
	case reflect.Pointer:
		p.form, p.elem = formPointer, pl.plan(t.Elem())
	case reflect.Map:
		p.form, p.key, p.elem = formMap, pl.plan(t.Key()), pl.plan(t.Elem())
	case reflect.Slice, reflect.Array:
		pl.sequence(p)
	case reflect.Struct:
		// A Channel itself is no value: it would be a copy.
		if t != channelType.Elem() {
			pl.structure(p)
		}
	}
}

func (pl planner) sequence(p *plan) {
	p.elem = pl.plan(p.typ.Elem())
	bytes := p.typ.Elem().Kind() == reflect.Uint8 && p.elem.encoded == formUint
	switch slice := p.typ.Kind() == reflect.Slice; {
	case slice && bytes:
		p.form = formBytes
	case slice:
		p.form = formSlice
	case bytes:
		p.form = formByteArray
	default:
		p.form = formArray
	}
}

// structure plans the fields of a struct. As in Go and in encoding/json, a
// field hides those of the same name in deeper embedded structs; among those
// of one depth a tag decides, and if it does not, none of them is there.
func (pl planner) structure(p *plan) {
	p.form = formStruct
	byName := map[string][]*fieldPlan{}
	for _, f := range pl.gather(p.typ, nil, false, map[reflect.Type]bool{}) {
		byName[f.name] = append(byName[f.name], f)
	}
	p.byName = make(map[string]*fieldPlan, len(byName))
	for name, rivals := range byName {
		f := dominant(rivals)
		if f == nil {
			continue
		}
		f.encoded = msgpack.AppendString(nil, name)
		p.byName[name] = f
		p.fields = append(p.fields, f)
		p.optional = p.optional || f.optional
	}
	slices.SortFunc(p.fields, func(x, y *fieldPlan) int { return slices.Compare(x.index, y.index) })
}

// gather lists the fields of a struct and of what is embedded in it. The types
// in outer are those around t: one embedded in itself adds nothing.
func (pl planner) gather(t reflect.Type, index []int, optional bool, outer map[reflect.Type]bool) []*fieldPlan {
	if outer[t] {
		return nil
	}
	outer[t] = true
	defer delete(outer, t)
	var fields []*fieldPlan
	for i := range t.NumField() {
		sf := t.Field(i)
		tag := sf.Tag.Get("luagw")
		if tag == "-" {
			continue
		}
		at := append(slices.Clone(index), i)
		name, options, _ := strings.Cut(tag, ",")
		if inner := pl.embedded(sf); inner != nil && name == "" {
			below := optional || sf.Type.Kind() == reflect.Pointer
			fields = append(fields, pl.gather(inner, at, below, outer)...)
			continue
		}
		if !sf.IsExported() {
			continue
		}
		omitEmpty := slices.Contains(strings.Split(options, ","), "omitempty")
		fields = append(fields, &fieldPlan{
			name:      cmp.Or(name, sf.Name),
			index:     at,
			plan:      pl.plan(sf.Type),
			omitEmpty: omitEmpty,
			tagged:    name != "",
			optional:  optional || omitEmpty,
		})
	}
	return fields
}

// embedded returns the struct whose fields are taken for those of the struct
// in which sf is embedded; nil if sf is a field like any other. A pointer to an
// unexported struct could not be set.
func (pl planner) embedded(sf reflect.StructField) reflect.Type {
	t := sf.Type
	if !sf.Anonymous {
		return nil
	}
	if t.Kind() == reflect.Pointer {
		if !sf.IsExported() {
			return nil
		}
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == timeType || t == channelType.Elem() {
		return nil
	}
	return t
}

// dominant returns the one of several fields of the same name that counts, or
// nil if none does.
func dominant(rivals []*fieldPlan) *fieldPlan {
	rank := func(f *fieldPlan) int {
		r := 2 * len(f.index)
		if f.tagged {
			r--
		}
		return r
	}
	slices.SortFunc(rivals, func(x, y *fieldPlan) int { return rank(x) - rank(y) })
	if len(rivals) > 1 && rank(rivals[0]) == rank(rivals[1]) {
		return nil
	}
	return rivals[0]
}

// field returns the plan for the field of that name; nil if there is none. It
// is likely the one at position guess: structs are sent in the order of their
// fields.
func (p *plan) field(name []byte, guess int) *fieldPlan {
	if guess < len(p.fields) && p.fields[guess].name == string(name) {
		return p.fields[guess]
	}
	return p.byName[string(name)]
}
