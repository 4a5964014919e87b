package luagw

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"

	"github.com/luagw/luagw/internal/msgpack"
)

// decodeInto decodes b, which must be exactly one item and came on ch, into
// what dst points to, and keeps nothing of b. Nil makes it zero; a struct keeps
// what the item has no field for; a map or slice is made anew, but for a *[]byte,
// whose memory is used again where it suffices. Strings and
// bytes go into one another, integral floats into integers, integers into
// floats, empty lists into maps and structs (as Lua's empty table is one), and
// strings into what has UnmarshalText. Where dst is an Unmarshaler it gets b as
// it is, unchecked. On error what dst points to may be half changed.
func decodeInto(b []byte, ch *Channel, dst any) error {
	if u, ok := dst.(Unmarshaler); ok && !isNil(dst) {
		return u.UnmarshalItem(b, ch)
	}
	d := newDecoder(b, ch)
	if err := d.intoAny(dst); err != nil {
		return rooted(err)
	}
	if len(d.b) > 0 {
		return trailing(b, d.b)
	}
	return nil
}

func (d *decoder) intoAny(dst any) error {
	if s, ok := dst.(*[]byte); ok && s != nil && d.atText() {
		return d.intoSame(s)
	}
	return d.intoOther(dst)
}

// intoSame decodes a string into the memory that dst has already, if that
// suffices.
func (d *decoder) intoSame(dst *[]byte) error {
	s, err := d.bytes()
	if err != nil {
		return err
	}
	if *dst == nil {
		*dst = []byte{}
	}
	*dst = append((*dst)[:0], s...)
	return nil
}

// isNil says whether dst is a pointer to nothing.
func isNil(dst any) bool {
	v := reflect.ValueOf(dst)
	return v.Kind() == reflect.Pointer && v.IsNil()
}

// noPlace refuses a dst into which nothing can be decoded.
func noPlace(dst any) error {
	return &ValueError{Type: fmt.Sprintf("%T", dst), Reason: "is no pointer to where an item could be put"}
}

// into decodes the next part into v, which has an address, as p, the plan of
// its type, says.
func (d *decoder) into(v reflect.Value, p *plan) error {
	if p.unmarshaler {
		return d.byItem(v, p)
	}
	switch next := msgpack.TypeOf(d.b); {
	case next == msgpack.Invalid:
		return d.invalid()
	case next == msgpack.Nil && p.form != formRaw:
		d.b = d.b[1:]
		v.SetZero()
		return nil
	case p.textUnmarshaler && d.atText() && p.form != formTime:
		return d.byText(v, p)
	}
	switch p.form {
	case formBool:
		return d.intoBool(v, p)
	case formInt:
		return d.intoInt(v, p)
	case formUint:
		return d.intoUint(v, p)
	case formFloat32, formFloat64:
		return d.intoFloat(v, p)
	case formString:
		return d.intoString(v, p)
	case formBytes, formByteArray:
		return d.intoBytes(v, p)
	case formSlice:
		return d.intoSlice(v, p)
	case formArray:
		return d.intoArray(v, p)
	case formMap:
		return d.intoMap(v, p)
	case formStruct:
		return d.intoStruct(v, p)
	case formPointer:
		return d.intoPointer(v, p)
	case formInterface:
		return d.intoInterface(v, p)
	case formTime, formChannel:
		return d.intoExtended(v, p)
	case formRaw:
		return d.intoRaw(v)
	}
	return d.mismatch(p)
}

// mismatch reports that the next part cannot be put where p is the plan.
func (d *decoder) mismatch(p *plan) error {
	if msgpack.TypeOf(d.b) == msgpack.Invalid {
		return d.invalid()
	}
	return &ValueError{Type: d.kind(), Reason: "cannot be put in " + p.typ.String()}
}

// outOfRange reports a number that cannot be put where p is the plan.
func outOfRange(number string, p *plan) error {
	return &ValueError{Type: "number", Reason: number + " cannot be put in " + p.typ.String()}
}

// item reads the next part without decoding it. It lies in the input.
func (d *decoder) item() ([]byte, error) {
	from := d.b
	if err := d.skip(); err != nil {
		return nil, err
	}
	n := len(from) - len(d.b)
	return from[:n:n], nil
}

func (d *decoder) byItem(v reflect.Value, p *plan) error {
	item, err := d.item()
	if err != nil {
		return err
	}
	return methodError(v.Addr().Interface().(Unmarshaler).UnmarshalItem(item, d.ch), p.typ)
}

func (d *decoder) byText(v reflect.Value, p *plan) error {
	text, err := d.bytes()
	if err != nil {
		return err
	}
	err = v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText(slices.Clone(text))
	if err != nil {
		return &ValueError{Type: "string", Reason: fmt.Sprintf("cannot be put in %s: %v", p.typ, err)}
	}
	return d.charge(len(text))
}

func (d *decoder) intoBool(v reflect.Value, p *plan) error {
	if msgpack.TypeOf(d.b) != msgpack.Bool {
		return d.mismatch(p)
	}
	v.SetBool(d.boolean())
	return nil
}

func (d *decoder) intoInt(v reflect.Value, p *plan) error {
	n, big, err := d.integral(p)
	if err != nil {
		return err
	}
	if big {
		return outOfRange(strconv.FormatUint(uint64(n), 10), p)
	}
	if v.OverflowInt(n) {
		return outOfRange(strconv.FormatInt(n, 10), p)
	}
	v.SetInt(n)
	return nil
}

func (d *decoder) intoUint(v reflect.Value, p *plan) error {
	n, big, err := d.integral(p)
	if err != nil {
		return err
	}
	if n < 0 && !big {
		return outOfRange(strconv.FormatInt(n, 10), p)
	}
	if v.OverflowUint(uint64(n)) {
		return outOfRange(strconv.FormatUint(uint64(n), 10), p)
	}
	v.SetUint(uint64(n))
	return nil
}

// integral reads an integer as number does, or a float whose value is one.
func (d *decoder) integral(p *plan) (n int64, big bool, err error) {
	switch msgpack.TypeOf(d.b) {
	case msgpack.Int, msgpack.Uint:
		return d.number()
	case msgpack.Float:
	default:
		return 0, false, d.mismatch(p)
	}
	f, err := d.float()
	if err != nil {
		return 0, false, err
	}
	switch whole := f == math.Trunc(f); {
	case whole && -1<<63 <= f && f < 1<<63:
		return int64(f), false, nil
	case whole && 0 < f && f < 1<<64:
		return int64(uint64(f)), true, nil
	}
	return 0, false, outOfRange(strconv.FormatFloat(f, 'g', -1, 64), p)
}

// intoFloat rounds, as floats do, but refuses what is out of range.
func (d *decoder) intoFloat(v reflect.Value, p *plan) error {
	var f float64
	switch msgpack.TypeOf(d.b) {
	case msgpack.Int, msgpack.Uint:
		n, big, err := d.number()
		if err != nil {
			return err
		}
		if f = float64(n); big {
			f = float64(uint64(n))
		}
	case msgpack.Float:
		var err error
		if f, err = d.float(); err != nil {
			return err
		}
	default:
		return d.mismatch(p)
	}
	if v.OverflowFloat(f) {
		return outOfRange(strconv.FormatFloat(f, 'g', -1, 64), p)
	}
	v.SetFloat(f)
	return nil
}

func (d *decoder) intoString(v reflect.Value, p *plan) error {
	if !d.atText() {
		return d.mismatch(p)
	}
	s, err := d.text()
	if err != nil {
		return err
	}
	v.SetString(s)
	return nil
}

func (d *decoder) intoBytes(v reflect.Value, p *plan) error {
	if !d.atText() {
		return d.intoNoBytes(v, p)
	}
	s, err := d.bytes()
	if err != nil {
		return err
	}
	if p.form == formByteArray {
		if len(s) != v.Len() {
			return &ValueError{Type: fmt.Sprintf("string of %d bytes", len(s)), Reason: "cannot be put in " + p.typ.String()}
		}
		copy(v.Bytes(), s)
		return nil
	}
	if err := d.charge(len(s)); err != nil {
		return err
	}
	v.SetBytes(append([]byte{}, s...))
	return nil
}

// intoNoBytes takes the elements of a list, of which an empty one is what
// Lua makes of an empty table, for bytes.
func (d *decoder) intoNoBytes(v reflect.Value, p *plan) error {
	if p.form == formByteArray {
		return d.intoArray(v, p)
	}
	return d.intoSlice(v, p)
}

func (d *decoder) intoSlice(v reflect.Value, p *plan) error {
	if msgpack.TypeOf(d.b) != msgpack.List {
		return d.mismatch(p)
	}
	if p.typ == anyListType {
		list, err := d.list()
		*v.Addr().Interface().(*[]any) = list
		return err
	}
	each := int(p.elem.typ.Size())
	n, err := d.openList(each)
	if err != nil {
		return err
	}
	room := min(n, max(1, maxPrealloc*costSlot/max(1, each)))
	v.Set(reflect.MakeSlice(p.typ, 0, room))
	for i := range n {
		if i == v.Cap() {
			v.Grow(1)
		}
		v.SetLen(i + 1)
		if err := d.into(v.Index(i), p.elem); err != nil {
			return within(err, indexPath(i))
		}
	}
	d.depth--
	return nil
}

func (d *decoder) intoArray(v reflect.Value, p *plan) error {
	if msgpack.TypeOf(d.b) != msgpack.List {
		return d.mismatch(p)
	}
	n, err := d.openList(0)
	if err != nil {
		return err
	}
	if n != v.Len() {
		return &ValueError{Type: fmt.Sprintf("list of %d", n), Reason: "cannot be put in " + p.typ.String()}
	}
	for i := range n {
		if err := d.into(v.Index(i), p.elem); err != nil {
			return within(err, indexPath(i))
		}
	}
	d.depth--
	return nil
}

// entries reads the header of what goes into a map or struct: a map, or an empty
// list.
func (d *decoder) entries(p *plan) (int, error) {
	switch msgpack.TypeOf(d.b) {
	case msgpack.Map:
		return d.openEntries()
	case msgpack.List:
		probe := *d
		if n, err := probe.openList(0); err != nil || n == 0 {
			*d = probe
			return 0, err
		}
	}
	return 0, d.mismatch(p)
}

func (d *decoder) intoMap(v reflect.Value, p *plan) error {
	n, err := d.entries(p)
	if err != nil {
		return err
	}
	// Maps keep spare room: twice the entry covers it.
	each := 2 * int(p.key.typ.Size()+p.elem.typ.Size()+1)
	if err := d.chargeEach(max(n, min(n*entriesGroup, entriesGroup)), each, costMap); err != nil {
		return err
	}
	if p.typ == anyMapType {
		return d.intoAnyMap(v, p, n)
	}
	v.Set(reflect.MakeMapWithSize(p.typ, min(n, max(1, maxPrealloc*costSlot/each))))
	key, elem := reflect.New(p.key.typ).Elem(), reflect.New(p.elem.typ).Elem()
	for range n {
		if err := d.intoKey(key, p.key); err != nil {
			return err
		}
		elem.SetZero()
		if err := d.into(elem, p.elem); err != nil {
			return within(err, reflectedPath(key))
		}
		v.SetMapIndex(key, elem)
	}
	d.depth--
	return nil
}

func (d *decoder) intoAnyMap(v reflect.Value, p *plan, n int) error {
	m := make(map[string]any, min(n, maxPrealloc))
	for range n {
		if !d.atText() {
			return d.mismatch(p.key)
		}
		if err := d.entry(m); err != nil {
			return err
		}
	}
	d.depth--
	*v.Addr().Interface().(*map[string]any) = m
	return nil
}

// intoKey decodes the key of a map. What is not nil, list or map can be hashed.
func (d *decoder) intoKey(v reflect.Value, p *plan) error {
	v.SetZero()
	switch p.form {
	case formBool, formInt, formUint, formString:
	case formFloat32, formFloat64, formInterface:
		return d.intoHashed(v, p)
	default:
		if !p.textUnmarshaler || !d.atText() {
			return d.mismatch(p)
		}
	}
	if msgpack.TypeOf(d.b) == msgpack.Nil {
		return d.malformed("key is a nil")
	}
	return d.into(v, p)
}

// intoHashed decodes a key by the rules of map[any]any.
func (d *decoder) intoHashed(v reflect.Value, p *plan) error {
	probe := *d
	key, err := probe.key()
	if err != nil {
		return err
	}
	if p.form != formInterface {
		return d.into(v, p)
	}
	*d = probe
	if !reflect.TypeOf(key).AssignableTo(p.typ) {
		return d.mismatch(p)
	}
	v.Set(reflect.ValueOf(key))
	return nil
}

// intoStruct puts the entries of a map in the fields of the same names. Those
// without a field are passed over.
func (d *decoder) intoStruct(v reflect.Value, p *plan) error {
	n, err := d.entries(p)
	if err != nil {
		return err
	}
	for i := range n {
		f, err := d.fieldKey(p, i)
		if err != nil {
			return err
		}
		if f == nil {
			if err := d.skip(); err != nil {
				return err
			}
			continue
		}
		if err := d.into(f.reach(v), f.plan); err != nil {
			return within(err, keyPath(f.name))
		}
	}
	d.depth--
	return nil
}

// fieldKey reads the key at position i and returns the field it names, if any.
func (d *decoder) fieldKey(p *plan, i int) (*fieldPlan, error) {
	if !d.atText() {
		return nil, d.skip()
	}
	name, err := d.bytes()
	if err != nil {
		return nil, err
	}
	return p.field(name, i), nil
}

// reach returns the field in v, and makes the embedded structs on the way.
func (f *fieldPlan) reach(v reflect.Value) reflect.Value {
	for _, i := range f.index[:len(f.index)-1] {
		v = v.Field(i)
		if v.Kind() != reflect.Pointer {
			continue
		}
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		v = v.Elem()
	}
	return v.Field(f.index[len(f.index)-1])
}

func (d *decoder) intoPointer(v reflect.Value, p *plan) error {
	if d.hops++; d.hops > maxPointers {
		return &ValueError{Type: p.typ.String(), Reason: tooDeep}
	}
	if v.IsNil() {
		if err := d.charge(int(p.elem.typ.Size())); err != nil {
			return err
		}
		v.Set(reflect.New(p.elem.typ))
	}
	err := d.into(v.Elem(), p.elem)
	d.hops--
	return err
}

func (d *decoder) intoInterface(v reflect.Value, p *plan) error {
	if v.NumMethod() > 0 {
		return d.mismatch(p)
	}
	item, err := d.value()
	if err != nil {
		return err
	}
	v.Set(reflect.ValueOf(item))
	return nil
}

// intoExtended takes a time or channel where one is wanted.
func (d *decoder) intoExtended(v reflect.Value, p *plan) error {
	if msgpack.TypeOf(d.b) != msgpack.Extension {
		return d.mismatch(p)
	}
	probe := *d
	typ, _, err := probe.extension()
	if err != nil {
		return err
	}
	if (typ == timeExtension) != (p.form == formTime) || (typ == channelExtension) != (p.form == formChannel) {
		return d.mismatch(p)
	}
	item, err := d.extended()
	if err != nil {
		return err
	}
	v.Set(reflect.ValueOf(item))
	return nil
}

func (d *decoder) intoRaw(v reflect.Value) error {
	item, err := d.item()
	if err != nil {
		return err
	}
	if err := d.charge(len(item)); err != nil {
		return err
	}
	v.SetBytes(slices.Clone(item))
	return nil
}
