// Bench measures luagw beside py.execnet, mitogen and bare child processes, on
// this machine, and says how it compares with what it should reach:
//
//	go run ./bench                  all of it, a few minutes
//	go run ./bench -short           three rounds in the place of seven
//	go run ./bench -job items       only what matches
//	go run ./bench -update          and put the table into doc/performance.md
//
// In each round they take turns at each kind of work, so that whatever
// else the machine does hits all alike. What counts is the ratios of the
// medians; the figures themselves are this machine's. How each is measured
// stands in doc/performance.md.
//
// The exit status is 0 also where luagw is slower than it should be, so that a
// busy machine fails nobody's build. It is 1 where something could not be built
// or run, or gave a wrong answer.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
)

// config is what the command line says.
type config struct {
	agent      string
	python     string
	rounds     int
	job        *regexp.Regexp
	update     bool
	json       string
	cpuProfile string
	memProfile string
}

func main() {
	if n, ok := idleWanted(); ok {
		exitOn(serveIdle(n, os.Stdout))
		return
	}
	if addr := os.Getenv(listenVar); addr != "" {
		exitOn(serveOne(addr, os.Args[1:]))
		return
	}
	cfg, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	exitOn(run(ctx, cfg, os.Stdout))
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// parse reads the command line. It has told what is wrong with it.
func parse(args []string) (*config, error) {
	cfg := &config{}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&cfg.agent, "agent", "", "measure the agent at `path`; built as for a release if empty")
	flags.StringVar(&cfg.python, "python", "", "run py.execnet and mitogen by the Python at `path`; looked for if empty")
	flags.IntVar(&cfg.rounds, "rounds", 7, "measure everything `n` times")
	flags.BoolVar(&cfg.update, "update", false, "write the table into doc/performance.md")
	flags.StringVar(&cfg.json, "json", "", "write the figures of all rounds to `file`")
	flags.StringVar(&cfg.cpuProfile, "cpuprofile", "", "write a CPU profile of the near side to `file`")
	flags.StringVar(&cfg.memProfile, "memprofile", "", "write a profile of the near side's allocations to `file`")
	short := flags.Bool("short", false, "three rounds")
	job := flags.String("job", "", "measure only the work whose name matches `regexp`")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if *short {
		cfg.rounds = 3
	}
	return cfg, cfg.check(*job, flags)
}

// check looks at what the flags say together.
func (cfg *config) check(job string, flags *flag.FlagSet) (err error) {
	cfg.job, err = regexp.Compile(job)
	switch {
	case err != nil:
		err = fmt.Errorf("-job: %w", err)
	case flags.NArg() > 0:
		err = fmt.Errorf("unknown argument %q", flags.Arg(0))
	case cfg.rounds < 1:
		err = fmt.Errorf("-rounds: %d is less than 1", cfg.rounds)
	case cfg.update && job != "":
		err = errors.New("-update needs all of the work, and so goes not with -job")
	}
	if err != nil {
		fmt.Fprintln(flags.Output(), "bench:", err)
	}
	return err
}

// run measures and reports.
func run(ctx context.Context, cfg *config, out io.Writer) error {
	b, err := newBench(ctx, cfg)
	if err != nil {
		return err
	}
	defer b.close()
	stop, err := startProfiles(cfg)
	if err != nil {
		return err
	}
	results := b.measureAll(ctx)
	if err := errors.Join(stop(), ctx.Err()); err != nil {
		return err
	}
	r := &report{Machine: b.machine, Rounds: cfg.rounds, Results: results}
	io.WriteString(out, r.text())
	if err := r.save(cfg); err != nil {
		return err
	}
	return r.failure()
}
