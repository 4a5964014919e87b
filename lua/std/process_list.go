package std

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/luagw/luagw/internal/allow"
	glua "github.com/yuin/gopher-lua"
)

// processList lists the processes that /proc shows.
func processList(L *glua.LState) int {
	if runtime.GOOS != "linux" {
		return fail(L, fmt.Errorf("process.list: no /proc to read on %s", runtime.GOOS))
	}
	entries, err := os.ReadDir("/proc")
	if err == nil {
		err = permitted(allow.Read, "/proc")
	}
	if err != nil {
		return fail(L, err)
	}
	var pids []int
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	list := L.CreateTable(len(pids), 0)
	ctx := Of(L).Context()
	for _, pid := range pids {
		if ctx.Err() != nil {
			return failed(L, ctx.Err())
		}
		info, err := readProcess(L, pid)
		if err == nil {
			list.Append(info)
			continue
		}
		if !processEnded(err) {
			return fail(L, err)
		}
	}
	L.Push(list)
	return 1
}

// processEnded reports whether err came of a process that ended while it was
// looked at. The kernel says so with ESRCH once the file is open.
func processEnded(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH)
}

func readProcess(L *glua.LState, pid int) (*glua.LTable, error) {
	dir := "/proc/" + strconv.Itoa(pid)
	stat, err := os.ReadFile(dir + "/stat")
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	cmdline, err := os.ReadFile(dir + "/cmdline")
	if err != nil {
		return nil, err
	}
	name, state, ppid := parseProcessStat(string(stat))
	t := L.CreateTable(0, 6)
	t.RawSetString("pid", glua.LNumber(pid))
	t.RawSetString("ppid", glua.LNumber(ppid))
	t.RawSetString("name", glua.LString(name))
	t.RawSetString("state", glua.LString(state))
	if uid, _, ok := ownerOf(info); ok {
		t.RawSetString("uid", glua.LNumber(uid))
	}
	t.RawSetString("argv", argvTable(L, cmdline))
	return t, nil
}

// parseProcessStat reads /proc/N/stat: "N (name) S ppid ...", where the name
// may hold spaces and parentheses.
func parseProcessStat(stat string) (name, state string, ppid int) {
	open, end := strings.IndexByte(stat, '('), strings.LastIndexByte(stat, ')')
	if open < 0 || end < open {
		return "", "", 0
	}
	name = stat[open+1 : end]
	fields := strings.Fields(stat[end+1:])
	if len(fields) < 2 {
		return name, "", 0
	}
	ppid, _ = strconv.Atoi(fields[1])
	return name, fields[0], ppid
}

func argvTable(L *glua.LState, cmdline []byte) *glua.LTable {
	argv := L.NewTable()
	if len(cmdline) == 0 {
		return argv // a thread of the kernel
	}
	for arg := range bytes.SplitSeq(bytes.TrimSuffix(cmdline, []byte{0}), []byte{0}) {
		argv.Append(glua.LString(arg))
	}
	return argv
}
