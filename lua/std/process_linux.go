package std

import (
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// spawner starts the children of this process from one thread that never
// ends. The kernel ties the parent-death signal to the thread that made the
// child, not to the process: started from any thread, a child would be killed
// when the Go runtime lets that thread go.
var spawner struct {
	once sync.Once
	work chan func() // taken up by spawnLoop, one after the other
}

// spawn starts cmd. Unless detach is set the child is killed with this process.
func spawn(cmd *exec.Cmd, detach bool) error {
	if !detach {
		cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	}
	spawner.once.Do(func() {
		spawner.work = make(chan func())
		go spawnLoop(spawner.work)
	})
	started := make(chan error, 1)
	spawner.work <- func() { started <- cmd.Start() }
	return <-started
}

// spawnLoop runs as long as the process: to return would end its thread.
func spawnLoop(work <-chan func()) {
	runtime.LockOSThread()
	for start := range work {
		start()
	}
}
