package luagw

import (
	"errors"
	"reflect"
	"testing"
)

// What parses is written so that it parses to the same, and by a fixed point;
// what does not parse is a SpecError about that very text.
func FuzzParseSpec(f *testing.F) {
	for _, tt := range parsedSpecs {
		f.Add(tt.text)
	}
	f.Add(`exec=a\//b\\//c"\"//"'//'//agent=\//x\:y`)
	f.Add(`ssh=-p22 -i "a//b" joe@[::1]`)
	f.Add("popen//env:A=\"\\\\\n\"//dir='")
	f.Fuzz(func(t *testing.T, text string) {
		spec, err := ParseSpec(text)
		if err != nil {
			var fault *SpecError
			if !errors.As(err, &fault) || fault.Spec != text || fault.Reason == "" || spec != nil {
				t.Fatalf("ParseSpec(%q) = %v, %#v; want nil and a full SpecError", text, spec, err)
			}
			return
		}
		if _, err := spec.Command(); err != nil {
			t.Fatalf("ParseSpec(%q) let through a bad command: %v", text, err)
		}
		again, err := ParseSpec(spec.String())
		if err != nil {
			t.Fatalf("String() of %q is %q: %v", text, spec, err)
		}
		if !reflect.DeepEqual(again, spec) {
			t.Fatalf("String() of %q is %q\n got %#v\nwant %#v", text, spec, again, spec)
		}
		if again.String() != spec.String() {
			t.Fatalf("String() of %q is %q, then %q", text, spec, again)
		}
	})
}
