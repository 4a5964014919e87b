package proctree

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// process is one process as /proc showed it.
type process struct {
	pid     int
	parent  int
	group   int
	session int
	state   byte
	threads int
	start   uint64 // clock ticks since boot; with pid it names a process for good
	command string // as the kernel has it, at most 15 bytes
}

// The fields of /proc/PID/stat that are used, counted from the state, which is
// the first after the command.
const (
	fieldState   = 0
	fieldParent  = 1
	fieldGroup   = 2
	fieldSession = 3
	fieldThreads = 17
	fieldStart   = 19
)

// pids lists all processes.
func pids() ([]int, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	list := make([]int, 0, len(names))
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			list = append(list, pid)
		}
	}
	return list, nil
}

// look reads what /proc says of a process; false if there is none.
func look(pid int) (process, bool) {
	var buf [1024]byte // a line has some 300 bytes
	n := readProc("/proc/"+strconv.Itoa(pid)+"/stat", buf[:])
	if n <= 0 {
		return process{}, false
	}
	return parseStat(buf[:n])
}

// readProc reads the beginning of a file of /proc, by three system calls: the
// os package needs four more, to find out that it cannot be polled.
func readProc(path string, buf []byte) int {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1
	}
	defer unix.Close(fd)
	n, _ := unix.Read(fd, buf)
	return n
}

// childless says whether this process certainly has no children: each thread
// lists its own, where the kernel was built with that.
func childless() bool {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return false
	}
	for _, task := range tasks {
		var buf [1]byte
		if readProc("/proc/self/task/"+task.Name()+"/children", buf[:]) != 0 {
			return false
		}
	}
	return true
}

// parseStat parses a line of /proc/PID/stat. The command may hold anything,
// also spaces, parentheses and newlines, so it ends at the last parenthesis.
func parseStat(line []byte) (process, bool) {
	open, end := bytes.IndexByte(line, '('), bytes.LastIndexByte(line, ')')
	if open < 0 || end < open {
		return process{}, false
	}
	fields := strings.Fields(string(line[end+1:]))
	if len(fields) <= fieldStart || len(fields[fieldState]) != 1 {
		return process{}, false
	}
	p := process{state: fields[fieldState][0], command: string(line[open+1 : end])}
	number := func(text string, into *int) bool {
		n, err := strconv.Atoi(text)
		*into = n
		return err == nil
	}
	start, err := strconv.ParseUint(fields[fieldStart], 10, 64)
	p.start = start
	return p, err == nil &&
		number(strings.TrimSpace(string(line[:open])), &p.pid) &&
		number(fields[fieldParent], &p.parent) &&
		number(fields[fieldGroup], &p.group) &&
		number(fields[fieldSession], &p.session) &&
		number(fields[fieldThreads], &p.threads)
}

// ended says whether p only waits to be reaped. A process whose first thread
// has ended looks like a zombie while others of its threads run.
func (p process) ended() bool {
	return (p.state == 'Z' || p.state == 'X') && p.threads <= 1
}

// detached says whether p is meant to stay. A process shows no environment for
// a moment while it executes a program, so that nothing is not the last word:
// what is started as detached right before the end must not be killed.
func (p process) detached() bool {
	for range 3 {
		env := p.environ()
		if len(env) > 0 {
			return hasEntry(env, DetachedVar+"=1")
		}
		time.Sleep(minPause)
	}
	return false
}

// hasEnv says whether p has exactly this variable=value.
func (p process) hasEnv(entry string) bool { return hasEntry(p.environ(), entry) }

// environ returns the environment that p was started with, its entries ended
// by NUL; none if it may not be read.
func (p process) environ() []byte {
	env, err := os.ReadFile("/proc/" + strconv.Itoa(p.pid) + "/environ")
	if err != nil {
		return nil
	}
	return env
}

func hasEntry(env []byte, entry string) bool {
	for one := range bytes.SplitSeq(env, []byte{0}) {
		if string(one) == entry {
			return true
		}
	}
	return false
}

// kill sends SIGKILL to p and to no other process that got its number since.
func (p process) kill() error {
	fd, err := unix.PidfdOpen(p.pid, 0)
	if err == nil {
		defer unix.Close(fd)
	}
	if now, ok := look(p.pid); !ok || now.start != p.start {
		return nil
	}
	if err == nil {
		err = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
	}
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EMFILE) {
		err = unix.Kill(p.pid, unix.SIGKILL) // an old kernel, or no descriptor to spare
	}
	if err == nil || errors.Is(err, unix.ESRCH) {
		return nil
	}
	return fmt.Errorf("kill %d (%s): %w", p.pid, p.command, err)
}
