//go:build unix

package proctree

import "testing"

func TestCheckID(t *testing.T) {
	for _, tt := range []struct {
		name    string
		id, own int
		wantErr bool
	}{
		{"another's", 1234, 77, false},
		{"the caller's own", 77, 77, true},
		{"init's", 1, 77, true},
		{"zero, which is the caller's for kill(2)", 0, 77, true},
		{"minus one, which is everybody for kill(2)", -1, 77, true},
		{"negative", -1234, 77, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := checkID("session", tt.id, tt.own); (err != nil) != tt.wantErr {
				t.Errorf("checkID(%d, %d) = %v, want error: %v", tt.id, tt.own, err, tt.wantErr)
			}
		})
	}
}
