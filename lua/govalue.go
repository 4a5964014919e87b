package lua

import (
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/lua/std"
	glua "github.com/yuin/gopher-lua"
)

// fromGo makes a Lua value of a decoded item: of what Channel.Receive returns.
func (f *fragment) fromGo(v any) glua.LValue {
	switch v := v.(type) {
	case nil:
		return glua.LNil
	case bool:
		return glua.LBool(v)
	case string:
		return glua.LString(v)
	case int64:
		return f.number(v)
	case uint64:
		return std.NewUint64(f.L, v)
	case float64:
		return glua.LNumber(v)
	case time.Time:
		return glua.LNumber(float64(v.UnixNano()) / float64(time.Second))
	case *luagw.Channel:
		return f.channel(v)
	case []any:
		return f.listFromGo(v)
	case map[string]any:
		return mapFromGo(f, v, func(key string) glua.LValue { return glua.LString(key) })
	case map[any]any:
		return mapFromGo(f, v, f.fromGo)
	}
	return f.fromEncoded(v)
}

// fromEncoded takes other Go values the way the wire would.
func (f *fragment) fromEncoded(v any) glua.LValue {
	b, err := luagw.Marshal(v)
	if err != nil {
		f.L.RaiseError("%v", err)
	}
	it := item{f: f}
	if err := it.UnmarshalItem(b, nil); err != nil {
		f.L.RaiseError("%v", err)
	}
	return it.v
}

func (f *fragment) listFromGo(list []any) glua.LValue {
	t := f.L.CreateTable(len(list), 0)
	for _, v := range list {
		t.Append(orNull(f.fromGo(v)))
	}
	return t
}

func mapFromGo[K comparable](f *fragment, m map[K]any, key func(K) glua.LValue) glua.LValue {
	t := f.L.CreateTable(0, len(m))
	if len(m) == 0 {
		std.MarkMap(f.L, t)
	}
	for k, v := range m {
		t.RawSet(key(k), orNull(f.fromGo(v)))
	}
	return t
}

func orNull(v glua.LValue) glua.LValue {
	if v == glua.LNil {
		return std.Null
	}
	return v
}
