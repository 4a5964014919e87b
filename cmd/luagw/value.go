package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/luagw/luagw"
)

// textOf is a received value as a person reads it: a string as it stands, a
// table as JSON.
func textOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "nil"
	case string:
		return v
	case float64:
		return floatText(v)
	}
	if s, ok := jsonValue(v).(string); ok {
		return s
	}
	return encodeJSON(jsonValue(v))
}

// isTable says whether a received value was one.
func isTable(v any) bool {
	switch v.(type) {
	case []any, map[string]any, map[any]any:
		return true
	}
	return false
}

// floatText is how Lua writes a number.
func floatText(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 0):
		return strings.TrimPrefix(strings.ToLower(fmt.Sprint(f)), "+")
	}
	return strconv.FormatFloat(f, 'g', 14, 64)
}

// jsonValue is a received value as JSON can have it: keys become strings, and
// what JSON does not know becomes the string that Lua would show.
func jsonValue(v any) any {
	switch v := v.(type) {
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return floatText(v)
		}
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = jsonValue(item)
		}
		return list
	case map[string]any:
		return jsonMap(v, func(key string) string { return key })
	case map[any]any:
		return jsonMap(v, textOf)
	case time.Time:
		return v.Format(time.RFC3339Nano)
	case *luagw.Channel:
		return "channel"
	}
	return v
}

func jsonMap[K comparable](m map[K]any, text func(K) string) map[string]any {
	object := make(map[string]any, len(m))
	for key, v := range m {
		object[text(key)] = jsonValue(v)
	}
	return object
}

// encodeJSON is JSON on one line, with < and > as they are.
func encodeJSON(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("luagw: internal error: %v", err)) // jsonValue leaves nothing that cannot be encoded
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// parseJSON is an argument that is written as JSON. Whole numbers stay exact.
func parseJSON(text string) (any, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("more follows the value")
	}
	return exactNumbers(v)
}

// exactNumber makes a whole number of the digits of one, and a float64 of others.
func exactNumber(text string) (any, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	if n, err := strconv.ParseUint(text, 10, 64); err == nil {
		return n, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, fmt.Errorf("no number is as large as %s", text)
	}
	return f, nil
}

// exactNumbers makes numbers of all that stands for one in v.
func exactNumbers(v any) (_ any, err error) {
	switch v := v.(type) {
	case json.Number:
		return exactNumber(v.String())
	case []any:
		for i := range v {
			if v[i], err = exactNumbers(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for key := range v {
			if v[key], err = exactNumbers(v[key]); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}
