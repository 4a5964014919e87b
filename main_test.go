package luagw_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/lua"
)

// helperVar tells this program, started by a test, what to be.
const helperVar = "LUAGW_TEST_HELPER"

// helpers are what it can be, besides an agent.
var helpers = map[string]func(){}

// TestMain makes the test binary its own agent, and fails when the tests leave
// anything behind.
func TestMain(m *testing.M) {
	luagw.ServeIfAgent(&lua.Runtime{})
	if helper := helpers[os.Getenv(helperVar)]; helper != nil {
		helper()
		return
	}
	os.Setenv("GORACE", "atexit_sleep_ms=0") // agents that look for races would take a second to exit
	before := resources()
	code := m.Run()
	fuzzing := flag.Lookup("test.fuzz").Value.String() != "" // its engine keeps files open
	if left := awaitResources(before); left != "" && code == 0 && !fuzzing {
		fmt.Fprintln(os.Stderr, "left after the tests:", left)
		pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
		code = 1
	}
	os.Exit(code)
}

// held is what a process has of the things that leak.
type held struct {
	routines int
	files    []string
	children []int
}

func resources() held {
	return held{routines(), openFiles(), childrenOf(os.Getpid())}
}

// routines counts goroutines, but not the one on whose thread fragments start
// processes, which stays.
func routines() int {
	n := runtime.NumGoroutine()
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	if bytes.Contains(stacks, []byte("std.spawnLoop")) {
		n--
	}
	return n
}

// more says what h has beyond what was there before; empty if nothing.
func (h held) more(before held) string {
	var more []string
	if h.routines > before.routines {
		more = append(more, fmt.Sprintf("%d goroutines", h.routines-before.routines))
	}
	if len(h.files) > len(before.files) {
		more = append(more, fmt.Sprintf("open files %q, before %q", h.files, before.files))
	}
	if len(h.children) > len(before.children) {
		more = append(more, fmt.Sprintf("child processes %v", h.children))
	}
	return strings.Join(more, ", ")
}

// awaitResources waits until nothing is there that was not before, and says
// what stays.
func awaitResources(before held) (more string) {
	deadline := time.Now().Add(3 * time.Second)
	for {
		more = resources().more(before)
		if more == "" || time.Now().After(deadline) {
			return more
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// openFiles lists what this process's descriptors stand for, where the system
// tells. Those of the runtime's own, which stay, are not among them.
func openFiles() (files []string) {
	const dir = "/proc/self/fd/"
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		target, err := os.Readlink(dir + entry.Name())
		if err == nil && !strings.HasPrefix(target, "anon_inode:") {
			files = append(files, target)
		}
	}
	return files
}

// childrenOf lists the children of a process, where the system tells.
func childrenOf(parent int) (pids []int) {
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err == nil && statOf(pid).parent == parent {
			pids = append(pids, pid)
		}
	}
	return pids
}

type procStat struct {
	state  string // empty if there is no such process
	parent int
}

func statOf(pid int) procStat {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return procStat{}
	}
	fields := strings.Fields(string(line[strings.LastIndexByte(string(line), ')')+1:]))
	parent, _ := strconv.Atoi(fields[1])
	return procStat{fields[0], parent}
}

// alive says whether a process runs: neither gone nor a zombie.
func alive(pid int) bool {
	state := statOf(pid).state
	return state != "" && state != "Z"
}
