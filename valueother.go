//go:build !luagw_agent

package luagw

import "reflect"

// other appends a v whose type the switch in value does not know.
func (e *encoder) other(b []byte, v any) ([]byte, error) {
	rv := reflect.ValueOf(v)
	return e.planned(b, rv, planOf(rv.Type()))
}

// intoOther decodes into what dst points to, which is no Unmarshaler.
func (d *decoder) intoOther(dst any) error {
	v := reflect.ValueOf(dst)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return noPlace(dst)
	}
	return d.into(v.Elem(), planOf(v.Type().Elem()))
}
