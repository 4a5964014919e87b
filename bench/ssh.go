package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways"
	"github.com/luagw/luagw/gateways/agents"
)

// sshJobs are those over ssh, to sshd on this machine. The bare peer is the
// system's ssh.
func sshJobs() []*job {
	return []*job{
		{
			name: "ssh: open a gateway, warm, first item back; bare: ssh host true", unit: seconds,
			bars:  []bar{{byBare, 1.2, 1}, {byExecnet, 1.3, 2}},
			luagw: onSite(sshOpening("")), bare: onSite(sshTrue),
			execnet: onSite(byExecnet.opensBySSH), mitogen: onSite(byMitogen.opensBySSH),
		},
		{
			name: "ssh: the same by the system's client and its warm master", unit: seconds,
			bars:  []bar{{byBare, 1.5, 1.2}},
			luagw: onMaster(sshOpening("ssh")), bare: onMaster(sshTrue),
		},
		{
			name: "ssh: what a cold opening takes longer", unit: seconds,
			bars:  []bar{{byItself, 0.4, 0.15}},
			luagw: onSite(coldOpening),
		},
		{
			name: "ssh: strings of 1 MiB, to the near side; bare: ssh host cat", unit: byteRate,
			bars:  []bar{{byBare, 0.7, 1}},
			luagw: onSite(onSSH(bytesIn)), bare: onSite(sshEcho("write", bareBytesIn)),
		},
		{
			name: "ssh: strings of 1 MiB, to the far side; bare: ssh host cat", unit: byteRate,
			bars:  []bar{{byBare, 0.7, 1}},
			luagw: onSite(onSSH(bytesOut)), bare: onSite(sshEcho("read", bareBytesOut)),
		},
		{
			name: "ssh: 100 gateways to 10 hosts at once; bare: ssh host true", unit: seconds,
			bars:  []bar{{byBare, 1.3, 1.1}},
			luagw: onFleet(fleetOpening), bare: onFleet(fleetTrue),
		},
		{
			name: "ssh: near side's memory for an open, idle gateway", unit: size, once: true,
			bars:  []bar{{byItself, 400 * kib, 150 * kib}},
			luagw: onSite(idleSSH),
		},
	}
}

// here is where one host is; a fleet has ten more.
const here = "127.0.0.1"

// siteJob is a job on a site.
type siteJob func(ctx context.Context, b *bench, s *site) (*runner, error)

// onSite has a job use the bench's one host.
func onSite(work siteJob) starter {
	return on(func(b *bench) **site { return &b.site }, []string{here}, work)
}

// onMaster has a job use a host to which a master of the system's client stands.
func onMaster(work siteJob) starter {
	return on(func(b *bench) **site { return &b.mastered }, []string{here}, func(ctx context.Context, b *bench, s *site) (*runner, error) {
		if err := s.startMaster(ctx, here); err != nil {
			return nil, err
		}
		return work(ctx, b, s)
	})
}

// on has a job use some hosts, which are started when they are needed first.
func on(of func(b *bench) **site, hosts []string, work siteJob) starter {
	return func(ctx context.Context, b *bench) (*runner, error) {
		s := of(b)
		if *s == nil {
			started, err := newSite(ctx, hosts, "")
			if err != nil {
				return nil, err
			}
			*s = started
			b.closers = append(b.closers, started.close)
		}
		return work(ctx, b, *s)
	}
}

// spec is the way to a host. program is the system's client, if it is to be
// used.
func (s *site) spec(host, program string) *luagw.Spec {
	spec := &luagw.Spec{Kind: "ssh", Target: host, Params: map[string]string{"ssh_config": s.file("ssh_config"), "timeout": "30s"}}
	if program != "" {
		spec.Params["ssh_program"] = program
	}
	return spec
}

// group opens gateways to hosts, and sends the agent that is measured.
func (b *bench) group() *luagw.Group {
	dialer := &gateways.Dialer{Agents: &agents.Beside{Dir: filepath.Dir(b.agent)}}
	return &luagw.Group{Dial: dialer.Dial}
}

// openOnce is the time from nothing to the first item of a gateway.
func openOnce(ctx context.Context, group *luagw.Group, spec *luagw.Spec) (time.Duration, error) {
	start := time.Now()
	gw, err := group.Start(ctx, spec)
	if err != nil {
		return 0, err
	}
	defer gw.Close()
	err = runOne(ctx, gw)
	return time.Since(start), err
}

// opens is the median of n openings.
func opens(open func(ctx context.Context) (time.Duration, error)) *runner {
	measure := func(ctx context.Context, n int) (float64, error) {
		times := make([]time.Duration, n)
		for i := range times {
			var err error
			if times[i], err = open(ctx); err != nil {
				return 0, err
			}
		}
		return median(times), nil
	}
	return &runner{measure: measure, close: func() {}}
}

func sshOpening(program string) siteJob {
	return func(ctx context.Context, b *bench, s *site) (*runner, error) {
		group := b.group()
		spec := s.spec(here, program)
		run := opens(func(ctx context.Context) (time.Duration, error) { return openOnce(ctx, group, spec) })
		run.close = func() { group.Close() }
		return run, nil
	}
}

func sshTrue(_ context.Context, _ *bench, s *site) (*runner, error) {
	return opens(func(ctx context.Context) (time.Duration, error) {
		start := time.Now()
		err := s.ssh(ctx, here, "true").Run()
		return time.Since(start), err
	}), nil
}

// coldOpening is how much longer it takes where no agent is.
func coldOpening(ctx context.Context, b *bench, s *site) (*runner, error) {
	group := b.group()
	spec := s.spec(here, "")
	run := opens(func(ctx context.Context) (time.Duration, error) {
		warm, err := openOnce(ctx, group, spec)
		if err != nil {
			return 0, err
		}
		if err := errors.Join(os.RemoveAll(s.file("cache")), os.Mkdir(s.file("cache"), 0o700)); err != nil {
			return 0, err
		}
		cold, err := openOnce(ctx, group, spec)
		if _, missing := os.Stat(s.file("cache/luagw")); err == nil && missing != nil {
			err = fmt.Errorf("the agent was found elsewhere, and not sent: %w", missing)
		}
		return cold - warm, err
	})
	run.close = func() { group.Close() }
	return run, nil
}

// onSSH is onGateway over ssh.
func onSSH(work func(ctx context.Context, gw *luagw.Gateway, n int) (float64, error)) siteJob {
	return func(ctx context.Context, b *bench, s *site) (*runner, error) {
		group := b.group()
		gw, err := group.OpenSpec(ctx, s.spec(s.hosts[0], ""))
		if err != nil {
			return nil, err
		}
		return &runner{
			measure: func(ctx context.Context, n int) (float64, error) { return work(ctx, gw, n) },
			close:   func() { group.Close() },
		}, nil
	}
}

// sshEcho is the bare child at the other end of the system's client.
func sshEcho(mode string, work func(c *child, n int) (float64, error)) siteJob {
	return func(_ context.Context, b *bench, s *site) (*runner, error) {
		c, err := startChild("ssh", s.sshArgs(s.hosts[0], b.echo, mode)...)
		if err != nil {
			return nil, err
		}
		c.buf = make([]byte, mib)
		return &runner{measure: c.bounded(work), close: c.close}, nil
	}
}

const (
	fleetHosts = 10
	fleetSize  = 100
)

// onFleet has a job use ten hosts.
func onFleet(work func(ctx context.Context, b *bench, s *site) error) starter {
	hosts := make([]string, fleetHosts)
	for i := range hosts {
		hosts[i] = fmt.Sprintf("127.0.1.%d", i+1)
	}
	return on(func(b *bench) **site { return &b.fleet }, hosts, func(_ context.Context, b *bench, s *site) (*runner, error) {
		measure := func(ctx context.Context, _ int) (float64, error) {
			start := time.Now()
			err := work(ctx, b, s)
			return time.Since(start).Seconds(), err
		}
		return &runner{measure: measure, close: func() {}}, nil
	})
}

// atOnce does something for each of a hundred logins, all at the same time.
func (s *site) atOnce(do func(host string) error) error {
	errs := make([]error, fleetSize)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = do(s.hosts[i%len(s.hosts)]) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func fleetOpening(ctx context.Context, b *bench, s *site) error {
	group := b.group()
	defer group.Close()
	return s.atOnce(func(host string) error {
		_, err := openOnce(ctx, group, s.spec(host, ""))
		return err
	})
}

// fleetTrue logs in again where a server had too many at once, as a user would.
func fleetTrue(ctx context.Context, _ *bench, s *site) error {
	return s.atOnce(func(host string) (err error) {
		for range 10 {
			if err = s.ssh(ctx, host, "true").Run(); err == nil || ctx.Err() != nil {
				return err
			}
		}
		return err
	})
}

// idleSSH is what one of several open gateways takes.
func idleSSH(_ context.Context, b *bench, s *site) (*runner, error) {
	const count = 40
	return still(func(ctx context.Context) (float64, error) {
		group := b.group()
		defer group.Close()
		open := func() error {
			gw, err := group.OpenSpec(ctx, s.spec(here, ""))
			if err != nil {
				return err
			}
			return runOne(ctx, gw)
		}
		if err := open(); err != nil { // what is there but once
			return 0, err
		}
		before := held()
		for range count {
			if err := open(); err != nil {
				return 0, err
			}
		}
		return (held() - before) / count, nil
	}), nil
}
