package luagw

import (
	"bytes"
	"encoding"
	"fmt"
	"reflect"
	"sort"
	"strings"
	"time"

	"github.com/luagw/luagw/internal/msgpack"
)

// planned appends v as p, the plan of its type, says.
func (e *encoder) planned(b []byte, v reflect.Value, p *plan) ([]byte, error) {
	switch p.encoded {
	case formBool:
		return msgpack.AppendBool(b, v.Bool()), nil
	case formInt:
		return msgpack.AppendInt(b, v.Int()), nil
	case formUint:
		return msgpack.AppendUint(b, v.Uint()), nil
	case formFloat32:
		return msgpack.AppendFloat32(b, float32(v.Float())), nil
	case formFloat64:
		return msgpack.AppendFloat64(b, v.Float()), nil
	case formString:
		return e.text(b, v.String())
	case formBytes:
		return e.bytes(b, v.Bytes())
	case formByteArray:
		return e.bytes(b, addressable(v).Bytes())
	case formStruct:
		return e.structure(b, v, p)
	case formSlice, formArray:
		return e.sequence(b, v, p)
	case formMap:
		return e.mapping(b, v, p)
	case formPointer, formInterface:
		return e.pointed(b, v, p)
	case formTime:
		t, _ := reflect.TypeAssert[time.Time](v)
		return appendTime(b, t), nil
	case formChannel:
		ch, _ := reflect.TypeAssert[*Channel](v)
		return e.channel(b, ch)
	case formRaw:
		return appendRaw(b, v.Bytes()), nil
	case formMarshaler, formText, formError:
		return e.byMethod(b, v, p)
	}
	return b, &ValueError{Type: kindName(p.typ)}
}

// kindName names a type that cannot travel: by its kind if the kind is why.
func kindName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Func:
		return "function"
	case reflect.Chan:
		return "Go channel"
	}
	return t.String()
}

// addressable returns v, or a copy of it which has an address.
func addressable(v reflect.Value) reflect.Value {
	if v.CanAddr() {
		return v
	}
	copied := reflect.New(v.Type()).Elem()
	copied.Set(v)
	return copied
}

// pointed appends what a pointer or interface refers to, or nil.
func (e *encoder) pointed(b []byte, v reflect.Value, p *plan) ([]byte, error) {
	if v.IsNil() {
		return msgpack.AppendNil(b), nil
	}
	if e.pointers++; e.pointers > maxPointers {
		return b, &ValueError{Type: p.typ.String(), Reason: tooDeep}
	}
	var err error
	if p.form == formPointer {
		b, err = e.planned(b, v.Elem(), p.elem)
	} else {
		b, err = e.value(b, v.Elem().Interface())
	}
	e.pointers--
	return b, err
}

func (e *encoder) sequence(b []byte, v reflect.Value, p *plan) ([]byte, error) {
	if err := e.enter("list", v.Len()); err != nil {
		return b, err
	}
	b = msgpack.AppendListHeader(b, uint32(v.Len()))
	var err error
	for i := range v.Len() {
		if b, err = e.planned(b, v.Index(i), p.elem); err != nil {
			return b, within(err, indexPath(i))
		}
	}
	e.depth--
	return b, nil
}

func (e *encoder) structure(b []byte, v reflect.Value, p *plan) ([]byte, error) {
	if err := e.enter(p.typ.String(), 0); err != nil {
		return b, err
	}
	b = msgpack.AppendMapHeader(b, uint32(p.present(v)))
	for _, f := range p.fields {
		field, ok := f.of(v)
		if !ok {
			continue
		}
		var err error
		if b, err = e.planned(append(b, f.encoded...), field, f.plan); err != nil {
			return b, within(err, keyPath(f.name))
		}
	}
	e.depth--
	return b, nil
}

// present counts the fields of v that are to be sent.
func (p *plan) present(v reflect.Value) int {
	if !p.optional {
		return len(p.fields)
	}
	n := 0
	for _, f := range p.fields {
		if _, ok := f.of(v); ok {
			n++
		}
	}
	return n
}

// of returns the field in v; false if it is to be left out.
func (f *fieldPlan) of(v reflect.Value) (reflect.Value, bool) {
	for _, i := range f.index[:len(f.index)-1] {
		v = v.Field(i)
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return v, false
			}
			v = v.Elem()
		}
	}
	v = v.Field(f.index[len(f.index)-1])
	return v, !f.omitEmpty || !isEmpty(v)
}

func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Map, reflect.Slice:
		return v.Len() == 0
	}
	return v.IsZero()
}

// byMethod appends what a method of v says.
func (e *encoder) byMethod(b []byte, v reflect.Value, p *plan) ([]byte, error) {
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return msgpack.AppendNil(b), nil
	}
	if p.byPointer {
		v = addressable(v).Addr()
	}
	switch v := v.Interface(); p.encoded {
	case formMarshaler:
		out, err := v.(Marshaler).MarshalItem(b, e.ch)
		return out, methodError(err, p.typ)
	case formText:
		text, err := v.(encoding.TextMarshaler).MarshalText()
		if err != nil {
			return b, methodError(err, p.typ)
		}
		return e.text(b, string(text))
	default:
		return e.text(b, v.(error).Error())
	}
}

// methodError makes a *ValueError, whose path is below the part, of what a
// method of typ returned.
func methodError(err error, typ reflect.Type) error {
	if err == nil {
		return nil
	}
	if e, ok := err.(*ValueError); ok {
		below := *e // the method may return the same one again
		below.Path = strings.TrimPrefix(e.Path, "item")
		return &below
	}
	return &ValueError{Type: typ.String(), Reason: err.Error()}
}

// mapping appends a map in the order of its encoded keys, so that equal values
// have equal encodings.
func (e *encoder) mapping(b []byte, v reflect.Value, p *plan) ([]byte, error) {
	if m, ok := reflect.TypeAssert[map[string]any](v); ok {
		return e.stringMap(b, m)
	}
	if err := e.enter("map", v.Len()); err != nil {
		return b, err
	}
	entries, err := e.sortedEntries(v, p)
	if err != nil {
		return b, err
	}
	b = msgpack.AppendMapHeader(b, uint32(len(entries)))
	for i, en := range entries {
		if i > 0 && bytes.Equal(en.encoded, entries[i-1].encoded) {
			return b, within(&ValueError{Type: p.typ.String(), Reason: "two keys are the same when sent"}, reflectedPath(en.key))
		}
		if b, err = e.planned(append(b, en.encoded...), en.value, p.elem); err != nil {
			return b, within(err, reflectedPath(en.key))
		}
	}
	e.depth--
	return b, nil
}

// reflectedEntry is one entry of a map that is being sorted.
type reflectedEntry struct {
	encoded    []byte // the key
	key, value reflect.Value
}

// reflectedEntries sorts by encoded keys. An instance of slices.SortFunc would
// add 20 KB to agents, which have sort.Sort already, for gopher-lua.
type reflectedEntries []reflectedEntry

func (s reflectedEntries) Len() int           { return len(s) }
func (s reflectedEntries) Less(i, j int) bool { return bytes.Compare(s[i].encoded, s[j].encoded) < 0 }
func (s reflectedEntries) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }

func (e *encoder) sortedEntries(v reflect.Value, p *plan) ([]reflectedEntry, error) {
	entries := make([]reflectedEntry, 0, v.Len())
	var keys []byte
	for it := v.MapRange(); it.Next(); {
		from := len(keys)
		var err error
		if keys, err = e.key(keys, it.Key(), p.key); err != nil {
			return nil, within(err, reflectedPath(it.Key()))
		}
		// Stays right when keys grows: the old array is kept.
		entries = append(entries, reflectedEntry{keys[from:len(keys):len(keys)], it.Key(), it.Value()})
	}
	sort.Sort(reflectedEntries(entries))
	return entries, nil
}

// key appends the key of a map: a string, number or bool, or what has a text.
func (e *encoder) key(b []byte, v reflect.Value, p *plan) ([]byte, error) {
	if p.form == formInterface && !v.IsNil() {
		v = v.Elem()
		p = planOf(v.Type())
	}
	switch p.encoded {
	case formBool, formInt, formUint, formString:
		return e.planned(b, v, p)
	case formText:
		if v.Kind() != reflect.Pointer || !v.IsNil() {
			return e.planned(b, v, p)
		}
	case formFloat32, formFloat64:
		if f := v.Float(); f == f {
			return e.planned(b, v, p)
		}
	}
	return b, &ValueError{Type: p.typ.String(), Reason: "cannot be a key"}
}

// reflectedPath renders the key of a map as a step of a path.
func reflectedPath(key reflect.Value) string {
	for key.Kind() == reflect.Interface && !key.IsNil() {
		key = key.Elem()
	}
	if key.Kind() == reflect.String {
		return keyPath(key.String())
	}
	return fmt.Sprintf("[%v]", key)
}
