package luagw

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/luagw/luagw/internal/allow"
)

// Limits bound what fragments may use. Zero means no limit.
type Limits struct {
	Time    time.Duration // that one fragment may take
	Memory  int64         // bytes that an agent's fragments may use together, as far as it can be told
	Running int           // fragments at a time; more wait for their turn
}

// Within returns the narrower of two limits, one by one.
func (l Limits) Within(m Limits) Limits {
	return Limits{Time: narrower(l.Time, m.Time), Memory: narrower(l.Memory, m.Memory), Running: narrower(l.Running, m.Running)}
}

func narrower[T time.Duration | int64 | int](a, b T) T {
	if a == 0 || (b != 0 && b < a) {
		return b
	}
	return a
}

// Limiter is a [Runner] that can keep limits. An agent whose near side sends
// some runs what Limited returns.
type Limiter interface {
	Limited(limits Limits) Runner
}

// settings are what a spec says about the far side's process. They travel in
// the first frame, for a command line can be seen by every user of a host.
type settings struct {
	dir    string
	env    map[string]string
	nice   int
	limits Limits

	// silence is how long the agent goes on when it hears nothing of the near
	// side; for ever if 0. It asks for no answer.
	silence time.Duration
}

// settingsOf takes the settings out of a spec, which is parsed already.
func settingsOf(spec *Spec) (settings, error) {
	s := settings{dir: spec.Dir, env: spec.Env, nice: spec.Nice}
	var err error
	s.limits, err = limitsOf(spec)
	return s, err
}

func (s settings) empty() bool {
	return s.dir == "" && len(s.env) == 0 && s.nice == 0 && s.limits == Limits{}
}

// values is the payload of kindControl.
func (s settings) values() []any {
	env := s.env
	if env == nil {
		env = map[string]string{}
	}
	return []any{s.dir, env, s.nice, int64(s.limits.Time), s.limits.Memory, s.limits.Running, int64(s.silence)}
}

func readSettings(payload []byte) (settings, error) {
	list, err := readList(payload, nil, 6)
	if err != nil {
		return settings{}, err
	}
	var s settings
	dir, ok := list[0].(string)
	if !ok {
		return s, errMalformed
	}
	s.dir, s.env = dir, map[string]string{}
	if env, ok := list[1].(map[string]any); ok {
		for name, v := range env {
			value, ok := v.(string)
			if !ok {
				return s, errMalformed
			}
			s.env[name] = value
		}
	}
	var numbers [4]int64
	for i := range numbers {
		if numbers[i], ok = list[2+i].(int64); !ok {
			return s, errMalformed
		}
	}
	s.nice = int(numbers[0])
	s.limits = Limits{Time: time.Duration(numbers[1]), Memory: numbers[2], Running: int(numbers[3])}
	if len(list) > 6 {
		silence, ok := list[6].(int64)
		if !ok || silence < 0 {
			return s, errMalformed
		}
		s.silence = time.Duration(silence)
	}
	return s, nil
}

// apply changes this process as the settings say.
func (s settings) apply() error {
	for name, value := range s.env {
		if err := os.Setenv(name, value); err != nil {
			return fmt.Errorf("set %s: %w", name, err)
		}
	}
	if s.dir != "" {
		if err := enter(s.dir); err != nil {
			return err
		}
	}
	if s.nice != 0 {
		return renice(s.nice)
	}
	return nil
}

// enter changes into dir, relative to the home directory if it begins with ~/.
// As with execnet, a directory that does not exist is made, one level deep.
func enter(dir string) error {
	if after, ok := strings.CutPrefix(dir, "~/"); ok {
		home, err := os.UserHomeDir()
		if err != nil {
			return err
		}
		dir = home + string(os.PathSeparator) + after
	}
	if err := os.Chdir(dir); err == nil || !os.IsNotExist(err) {
		return err
	}
	err := makeDir(dir)
	if err == nil {
		return os.Chdir(dir)
	}
	if dir == DefaultDir {
		return nil // nobody has asked for it: it stays where it is
	}
	return err
}

func makeDir(dir string) error {
	if err := allow.Here().CheckPath(allow.Write, dir, false); err != nil {
		return fmt.Errorf("make the folder %s: %w", dir, err)
	}
	if err := os.Mkdir(dir, 0o777); err != nil && !os.IsExist(err) {
		return err
	}
	return nil
}

// limitsOf reads the keys max_time, max_memory and max_running.
func limitsOf(spec *Spec) (l Limits, err error) {
	if l.Time, err = spec.Duration("max_time"); err != nil {
		return l, err
	}
	if l.Memory, err = spec.Size("max_memory"); err != nil {
		return l, err
	}
	l.Running, err = spec.Int("max_running")
	return l, err
}
