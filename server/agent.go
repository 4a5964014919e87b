package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/internal/allow"
	"github.com/luagw/luagw/internal/child"
)

// agent is an agent's process, with what it tells of its fragments.
type agent struct {
	*child.Process
	reports *os.File      // nil if nobody records them
	told    chan struct{} // closed when all is recorded; nil if nobody records them
}

// drainTime bounds the reading of an agent's last reports.
const drainTime = time.Second

// agentCommand is what to start, and what to add to its environment.
func (s *Server) agentCommand() (*child.Command, error) {
	if len(s.Agent) > 0 {
		path, err := child.Lookup(s.Agent[0])
		if err == nil {
			path, err = filepath.Abs(path) // it starts in another folder than this process's
		}
		return &child.Command{Path: path, Args: s.Agent, Session: true}, err
	}
	path, ok := luagw.SelfAgent()
	if !ok {
		return nil, errors.New("no agent to start: this program is none, and Server.Agent names none")
	}
	return &child.Command{Path: path, Args: []string{path}, Env: []string{luagw.ServeVar + "=stdio"}, Session: true}, nil
}

// startAgent starts the agent of a session.
func (s *server) startAgent(session *session) (*agent, error) {
	rules, err := allow.Parse(session.login.allow)
	if err != nil {
		return nil, err
	}
	command, err := s.agentCommand()
	if err != nil {
		return nil, err
	}
	var theirs *os.File
	a := &agent{}
	if s.Audit != nil {
		if a.reports, theirs, err = os.Pipe(); err != nil {
			return nil, fmt.Errorf("make a pipe: %w", err)
		}
		defer theirs.Close()
	}
	owner := session.login.account
	added := command.Env
	command.Setup = func(cmd *exec.Cmd) {
		s.dress(cmd, owner, append(added, allow.Var+"="+s.Allow.And(rules).String()))
		if theirs != nil {
			cmd.ExtraFiles = []*os.File{theirs} // becomes 3
			cmd.Env = append(cmd.Env, luagw.AuditVar+"=3")
		}
	}
	if a.Process, err = startSomewhere(command); err != nil {
		if a.reports != nil {
			a.reports.Close()
		}
		return nil, fmt.Errorf("as user %q: %w", owner.name, err)
	}
	a.record(session)
	return a, nil
}

// startSomewhere starts a process in the folder that its Setup sets, or in / if
// its user cannot enter that, as sshd does.
func startSomewhere(command *child.Command) (*child.Process, error) {
	process, err := child.Start(command)
	if !errors.Is(err, fs.ErrPermission) {
		return process, err
	}
	setup := command.Setup
	command.Setup = func(cmd *exec.Cmd) {
		setup(cmd)
		cmd.Dir = "/"
	}
	return child.Start(command)
}

// record passes on what the agent tells of its fragments, until it ends. If
// they cannot be recorded they must not run.
func (a *agent) record(session *session) {
	if a.reports == nil {
		return
	}
	a.told = make(chan struct{})
	go func() { // ends with the agent
		defer close(a.told)
		if err := session.server.Audit.follow(session.id, a.reports); err != nil {
			session.server.logf("connection %s: %v: it is closed", session.id, err)
			session.raw.Close()
		}
		a.reports.Close() // an agent that writes on fails, and so does its fragment
	}()
}

// Close sees the agent to its end.
func (a *agent) Close() error {
	err := a.Process.Close()
	if a.told != nil {
		// Somebody who inherited the descriptor and got away must not hold
		// us up.
		a.reports.SetReadDeadline(time.Now().Add(drainTime))
		<-a.told
	}
	return err
}

// Exit tells how the agent ended.
func (a *agent) Exit(ctx context.Context) child.Exit { return a.Process.Exit(ctx) }

// dress gives a process its user, folder and environment.
func (s *server) dress(cmd *exec.Cmd, owner *account, added []string) {
	path := "/usr/local/bin:/usr/bin:/bin"
	if owner.uid == 0 {
		path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	}
	if owner.uid == s.own.uid {
		cmd.Env = slices.DeleteFunc(os.Environ(), isOwn)
		path = os.Getenv("PATH")
	} else {
		cmd.Env = nil
		setUser(cmd, owner)
	}
	home := owner.home
	if owner == s.own && os.Getenv("HOME") != "" {
		home = os.Getenv("HOME")
	}
	cmd.Env = append(cmd.Env, "HOME="+home, "USER="+owner.name, "LOGNAME="+owner.name, "SHELL="+owner.shell, "PATH="+path)
	cmd.Env = append(cmd.Env, added...)
	if cmd.Dir = home; !isFolder(home) {
		cmd.Dir = "/"
	}
}

// isOwn says whether a variable was meant for this process alone.
func isOwn(entry string) bool {
	name, _, _ := strings.Cut(entry, "=")
	return strings.HasPrefix(name, "LUAGW_") || name == "NOTIFY_SOCKET" || name == "LISTEN_FDS" || name == "LISTEN_PID"
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
