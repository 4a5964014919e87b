package luagw_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing/fstest"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/lua"
)

var gatewayBehaviours = []behaviour{
	{31, "an open gateway is in its group and has its spec", func(b *bed) {
		found, ok := b.group.Gateway(b.gw.ID())
		b.equal("found", ok && found == b.gw, true)
		b.equal("spec's id", b.gw.Spec().ID, b.gw.ID())
		b.equal("err", b.gw.Err(), nil)
	}},
	{32, "gateways and channels can be printed", func(b *bed) {
		c := b.exec("echo.lua")
		if s := fmt.Sprint(b.gw); !strings.Contains(s, b.gw.ID()) || strings.Contains(s, "{") {
			b.Errorf("gateway prints as %q", s)
		}
		if s := fmt.Sprint(c); !strings.Contains(s, b.gw.ID()) || strings.Contains(s, "{") {
			b.Errorf("channel prints as %q", s)
		}
	}},
	{34, "an idle agent executes nothing", func(b *bed) {
		// What was cancelled before may arrive after it was asked about.
		b.awaitStatus("nothing", func(st luagw.Status) bool { return st.Executing == 0 && st.Channels == 0 })
	}},
	{35, "a fragment's state is its own", func(b *bed) {
		for range 2 {
			c := b.exec("state_is_fresh.lua")
			b.receive(c, true)
			b.wait(c)
		}
	}},
	{36, "asking for the status leaves nothing", func(b *bed) {
		for range 100 {
			if _, err := b.gw.Status(b.ctx); err != nil {
				b.Fatal(err)
			}
		}
	}},
	{37, "the status counts what runs, exactly", func(b *bed) {
		one, two := b.exec("wait_for_a_word.lua"), b.exec("wait_for_a_word.lua")
		b.awaitStatus("2 at work", func(st luagw.Status) bool { return st.Executing == 2 && st.Channels == 2 })
		for i, c := range []*luagw.Channel{one, two} {
			b.send(c, "go")
			b.wait(c)
			st, err := b.gw.Status(b.ctx)
			if err != nil || st.Executing != 1-i {
				b.Fatalf("Status = %+v, %v; want %d executing", st, err, 1-i)
			}
		}
	}},
	{38, "a file is read at each call", func(b *bed) {
		files := fstest.MapFS{}
		for i := range 2 {
			files["f.lua"] = &fstest.MapFile{Data: fmt.Appendf(nil, "return %d", i)}
			c, err := b.gw.RemoteExecFile(b.ctx, files, "f.lua")
			if err != nil {
				b.Fatal(err)
			}
			results, err := c.Results(b.ctx)
			if err != nil {
				b.Fatal(err)
			}
			b.equal("results", results, []any{int64(i)})
		}
		if _, err := b.gw.RemoteExecFile(b.ctx, files, "nosuch.lua"); !errors.Is(err, fs.ErrNotExist) {
			b.Errorf("RemoteExecFile of no file = %v", err)
		}
	}},
	{39, "a fragment runs on when its file is gone", func(b *bed) {
		files := fstest.MapFS{"f.lua": {Data: []byte("return channel:receive()")}}
		c, err := b.gw.RemoteExecFile(b.ctx, files, "f.lua")
		if err != nil {
			b.Fatal(err)
		}
		delete(files, "f.lua")
		b.send(c, "x")
		b.wait(c)
	}},
	{45, "sending after the fragment's end is an error", func(b *bed) {
		c := b.exec("send_three.lua")
		b.wait(c)
		for range 2 {
			if err := c.Send(b.ctx, 1); !errors.Is(err, net.ErrClosed) {
				b.Fatalf("Send = %v, want a net.ErrClosed", err)
			}
		}
	}},
	{47, "an echo", func(b *bed) {
		c := b.exec("echo.lua")
		b.send(c, "x")
		b.receive(c, "x")
	}},
	{48, "output of fragments and commands comes home and harms nothing", func(b *bed) {
		c := b.exec("stray_output.lua")
		b.receive(c, strings.Repeat("x", 1000))
		b.wait(c)
		lines := b.printed()
		slices.Sort(lines)
		b.equal("lines", lines, []string{"complained", "executed", "opened", "written"})
	}},
	{48, "rubbish on descriptor 1 harms nothing", func(b *bed) {
		b.needsProcess("descriptor 1 is the tests' own")
		c := b.exec("raw_output.lua")
		b.receive(c, "after")
		b.wait(c)
		await(b, "the line", 5*time.Second, func() bool { return slices.Contains(b.printed(), "rubbish on fd 1") })
	}},
	{49, "rubbish on descriptor 2 harms nothing", func(b *bed) {
		b.needsProcess("descriptor 2 is the tests' own")
		c := b.exec("raw_complaint.lua")
		b.receive(c, "after")
		c.Close()
	}},
	{50, "facts come with the hello", func(b *bed) {
		info := b.gw.Info()
		b.equal("os and arch", info.OS+" "+info.Arch, runtime.GOOS+" "+runtime.GOARCH)
		host, _ := os.Hostname()
		b.equal("host", info.Hostname, host)
		if info.Version == "" || info.User == "" || info.PID == 0 {
			b.Errorf("info = %+v", info)
		}
	}},
	{51, "an agent here starts in this directory", func(b *bed) {
		if b.served() {
			b.Skip("a server chooses where its agents start")
		}
		dir, err := os.Getwd()
		if err != nil {
			b.Fatal(err)
		}
		b.equal("directory", b.gw.Info().Dir, dir)
	}},
	{53, "many gateways at once", func(b *bed) {
		specs := slices.Repeat([]string{b.tr.spec}, 4)
		gateways, err := b.group.OpenAll(b.ctx, specs...)
		if err != nil {
			b.Fatal(err)
		}
		for _, gw := range gateways {
			c := b.execOn(gw, "echo.lua")
			b.send(c, gw.ID())
			b.receive(c, gw.ID())
			gw.Close()
		}
	}},
	{54, "the agent is another process", func(b *bed) {
		b.needsProcess("it is this one")
		pid := b.gw.Info().PID
		b.equal("fragments' process", b.call("return process.pid()"), []any{int64(pid)})
		b.equal("another", pid != os.Getpid(), true)
	}},
	{56, "os.exit ends the fragment alone", func(b *bed) {
		c := b.exec("exit_ends_the_fragment.lua")
		b.receive(c, "before")
		b.remote(c.Wait(b.ctx), "3")
		b.equal("the agent still", b.call("return 1"), []any{int64(1)})
	}},
	{62, "fragments run at once", func(b *bed) {
		first, second := b.exec("wait_for_a_word.lua"), b.exec("wait_for_a_word.lua")
		b.send(second, "second")
		b.wait(second)
		b.send(first, "first")
		b.wait(first)
	}},
	{63, "several may send at once", func(b *bed) {
		c := b.exec("echo.lua")
		var wg sync.WaitGroup
		for i := range 5 {
			wg.Go(func() {
				for n := range 10 {
					c.Send(b.ctx, 10*i+n)
				}
			})
		}
		wg.Wait()
		c.CloseWrite()
		seen := map[any]bool{}
		for item, err := range c.Items(b.ctx) {
			if err != nil {
				b.Fatal(err)
			}
			seen[item] = true
		}
		b.equal("items", len(seen), 50)
	}},
	{63, "several may receive at once", func(b *bed) {
		c := b.exec("count_to.lua", 1, 200)
		var mu sync.Mutex
		var wg sync.WaitGroup
		seen := map[any]bool{}
		for range 5 {
			wg.Go(func() {
				for item, err := range c.Items(b.ctx) {
					mu.Lock()
					seen[item] = err == nil
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		b.equal("items", len(seen), 200)
	}},
	{68, "the agent's command line is split as a shell would", func(b *bed) {
		if b.tr.name != "popen" {
			b.Skip("only popen names its agent so")
		}
		self, err := os.Executable()
		if err != nil {
			b.Fatal(err)
		}
		spaced := filepath.Join(b.TempDir(), "with space")
		if err := os.Symlink(self, spaced); err != nil {
			b.Fatal(err)
		}
		for _, agent := range []string{`'` + spaced + `'`, strings.ReplaceAll(spaced, " ", `\ `), `"` + spaced + `" -flag`} {
			gw, err := b.group.Open(b.ctx, "popen//agent=env LUAGW_SERVE=stdio "+agent)
			if err != nil {
				b.Fatalf("%s: %v", agent, err)
			}
			gw.Close()
		}
	}},
	{70, "fragments run one at a time where that is wanted", func(b *bed) {
		gw := b.open("//max_running=1")
		defer gw.Close()
		first := b.execOn(gw, "echo.lua")
		b.send(first, "running")
		b.receive(first, "running")
		second := b.execOn(gw, "send_three.lua")
		if err := second.Wait(soon(b)); !errors.Is(err, context.DeadlineExceeded) {
			b.Fatalf("Wait of the second = %v, want it to wait its turn", err)
		}
		first.CloseWrite()
		b.wait(first)
		b.wait(second)
	}},
	{71, "what waits for its turn stops nobody and can be cancelled", func(b *bed) {
		gw := b.open("//max_running=1")
		defer gw.Close()
		first := b.execOn(gw, "echo.lua")
		b.send(first, "x")
		b.receive(first, "x")
		second, third := b.execOn(gw, "echo.lua"), b.execOn(gw, "echo.lua")
		second.Close()
		first.CloseWrite()
		b.wait(first)
		b.send(third, "y")
		b.receive(third, "y")
	}},
	{89, "a source can be checked before it is sent", func(b *bed) {
		source, err := fs.ReadFile(testFragments, "syntax_error.lua")
		if err != nil {
			b.Fatal(err)
		}
		if err := lua.Check("f.lua", string(source)); err == nil || !strings.HasPrefix(err.Error(), "f.lua:1:") {
			b.Errorf("Check = %v", err)
		}
	}},
	{90, "arguments reach the fragment", func(b *bed) {
		b.equal("results", b.call("return ...", 1, "two", nil, []any{true}), []any{int64(1), "two", nil, []any{true}})
	}},
	{166, "misuse is no error of the connection", func(b *bed) {
		c := b.exec("echo.lua")
		c.CloseWrite()
		err := c.Send(b.ctx, 1)
		if _, lost := errors.AsType[*luagw.GatewayLostError](err); lost || !errors.Is(err, luagw.ErrClosed) {
			b.Errorf("Send after CloseWrite = %v, want ErrClosed", err)
		}
		b.eof(c)
	}},
	{171, "all that wait for their turn get it", func(b *bed) {
		gw := b.open("//max_running=1")
		defer gw.Close()
		first := b.execOn(gw, "wait_for_a_word.lua")
		var waiting []*luagw.Channel
		for i := range 20 {
			waiting = append(waiting, b.execOn(gw, "results.lua", i))
		}
		b.send(first, "go")
		b.wait(first)
		if err := luagw.NewMultiChannel(waiting...).Wait(b.ctx); err != nil {
			b.Fatal(err)
		}
	}},
	{172, "the status never waits for a turn", func(b *bed) {
		gw := b.open("//max_running=1")
		defer gw.Close()
		c := b.execOn(gw, "loop_forever.lua")
		b.receive(c, "looping")
		if st, err := gw.Status(b.ctx); err != nil || st.Executing != 1 {
			b.Fatalf("Status = %+v, %v", st, err)
		}
		c.Close()
	}},
	{0, "nothing of a call is left when its context ends", func(b *bed) {
		for _, source := range []string{"while true do end", "sleep(1/0)", "channel:receive()"} {
			if _, err := b.gw.Call(soon(b), source); !errors.Is(err, context.DeadlineExceeded) {
				b.Errorf("Call(%s) = %v, want DeadlineExceeded", source, err)
			}
		}
	}},
	{0, "a fragment's lines come before its end", func(b *bed) {
		for i := range 20 {
			b.call("for i = 1, 10 do print(i) end")
			b.equal("lines", len(b.printed()), 10*(i+1))
		}
	}},
	{0, "large items pass", func(b *bed) {
		c := b.exec("echo.lua")
		big := strings.Repeat("0123456789abcdef", 1<<20/16*3)
		go c.Send(b.ctx, big)
		got, err := c.Receive(b.ctx)
		if err != nil || got != any(big) {
			b.Fatalf("got %T, %v", got, err)
		}
		c.CloseWrite()
		if _, err := c.Receive(b.ctx); err != io.EOF {
			b.Fatal(err)
		}
	}},
}
