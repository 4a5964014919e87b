package std

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// commonSignals are the signals that every system has a number for; what else
// this one has is in systemSignals.
var commonSignals = entries[string, syscall.Signal]{
	{"SIGABRT", syscall.SIGABRT},
	{"SIGALRM", syscall.SIGALRM},
	{"SIGBUS", syscall.SIGBUS},
	{"SIGFPE", syscall.SIGFPE},
	{"SIGHUP", syscall.SIGHUP},
	{"SIGILL", syscall.SIGILL},
	{"SIGINT", syscall.SIGINT},
	{"SIGKILL", syscall.SIGKILL},
	{"SIGPIPE", syscall.SIGPIPE},
	{"SIGQUIT", syscall.SIGQUIT},
	{"SIGSEGV", syscall.SIGSEGV},
	{"SIGTERM", syscall.SIGTERM},
	{"SIGTRAP", syscall.SIGTRAP},
}

// signalName is the name of sig, or "SIG" and its number.
func signalName(sig syscall.Signal) string {
	for _, table := range []entries[string, syscall.Signal]{commonSignals, systemSignals} {
		for _, signal := range table {
			if signal.value == sig {
				return signal.key
			}
		}
	}
	return "SIG" + strconv.Itoa(int(sig))
}

// parseSignal reads a signal's name, with or without SIG and in any case.
func parseSignal(name string) (syscall.Signal, error) {
	long := strings.ToUpper(name)
	if !strings.HasPrefix(long, "SIG") {
		long = "SIG" + long
	}
	if sig, ok := commonSignals.get(long); ok {
		return sig, nil
	}
	if sig, ok := systemSignals.get(long); ok {
		return sig, nil
	}
	known := append(commonSignals.keys(), systemSignals.keys()...)
	slices.Sort(known) // of two that are equally near the first one is named
	return 0, errors.New(unknownName("signal", name, known))
}
