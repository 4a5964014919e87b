package mux

import "testing"

func TestWaitingAwakeInVainIsGivenUpForAWhile(t *testing.T) {
	var e eagerness
	for _, pause := range []int{1, 3, 7, 15, 31, 63, mostPause, mostPause} {
		if !e.try() {
			t.Fatal("does not try")
		}
		e.found(false)
		for i := range pause {
			if e.try() {
				t.Fatalf("tries again after %d waits, want %d", i, pause)
			}
		}
	}
	if !e.try() {
		t.Fatal("does not try again")
	}
	e.found(true)
	for range 3 {
		if !e.try() {
			t.Fatal("does not go on after a success")
		}
		e.found(true)
	}
}
