// Package testlink makes long and bad network links, for tests and benchmarks:
// between this machine and a network namespace of its own, over a pair of TUN
// devices. It does in this process what the kernel's netem does where that is
// built in.
package testlink

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Options say what a link is like.
type Options struct {
	Delay time.Duration // of each packet, each way
	Rate  int64         // in bits a second, each way; without limit if 0
	MTU   int           // 9000 if 0, which costs this process less than what is usual

	// Eager lets TCP connections begin with all that there is to send, up to some
	// megabytes, where they would begin with a little and double it with every
	// round trip: for what counts round trips of its own.
	Eager bool
}

// Link is a link. All methods may be called concurrently.
type Link struct {
	Near, Far netip.Addr // of its two ends
	Namespace string     // that the far end is in; for ip netns exec

	near, far *os.File
	devices   [2]string
	cut       atomic.Bool
	packets   atomic.Int64
	pumps     sync.WaitGroup
}

// count tells the links of this process apart.
var count atomic.Int32

// New makes a link. It needs root, the program ip and /dev/net/tun; the error
// wraps errors.ErrUnsupported where one is missing.
func New(opts Options) (*Link, error) {
	if os.Getuid() != 0 {
		return nil, fmt.Errorf("%w: a network namespace needs root", errors.ErrUnsupported)
	}
	if _, err := exec.LookPath("ip"); err != nil {
		return nil, fmt.Errorf("%w: %w", errors.ErrUnsupported, err)
	}
	// Of the range for tests of networks (RFC 2544), four addresses for each.
	n := int(count.Add(1)) + 64*(os.Getpid()%250)
	base := netip.AddrFrom4([4]byte{198, 18, byte(n >> 6), byte(n << 2)})
	l := &Link{Near: base.Next(), Far: base.Next().Next(), Namespace: fmt.Sprintf("luagw-%d-%d", os.Getpid(), n)}
	if err := l.make(opts, n); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (l *Link) make(opts Options, n int) (err error) {
	if opts.MTU == 0 {
		opts.MTU = 9000
	}
	l.devices = [2]string{fmt.Sprintf("lgwn%d", n), fmt.Sprintf("lgwf%d", n)}
	if err := ip("netns add %s", l.Namespace); err != nil {
		return err
	}
	if l.near, err = openTUN(l.devices[0]); err != nil {
		return err
	}
	if l.far, err = openTUN(l.devices[1]); err != nil {
		return err
	}
	if err := ip("link set %s netns %s", l.devices[1], l.Namespace); err != nil {
		return err
	}
	inside := "-n " + l.Namespace + " "
	for _, line := range []string{
		fmt.Sprintf("addr add %v peer %v dev %s", l.Near, l.Far, l.devices[0]),
		fmt.Sprintf("link set %s mtu %d txqueuelen 1000 up", l.devices[0], opts.MTU),
		fmt.Sprintf("%saddr add %v peer %v dev %s", inside, l.Far, l.Near, l.devices[1]),
		fmt.Sprintf("%slink set %s mtu %d txqueuelen 1000 up", inside, l.devices[1], opts.MTU),
		inside + "link set lo up",
	} {
		if err := ip("%s", line); err != nil {
			return err
		}
	}
	if opts.Eager {
		if err := l.hurry(); err != nil {
			return err
		}
	}
	l.pump(l.near, l.far, opts)
	l.pump(l.far, l.near, opts)
	return nil
}

// hurry sets the windows with which connections begin: those of the senders, in
// packets, and in the namespace that of the receiver, in bytes.
func (l *Link) hurry() error {
	for _, line := range []string{
		fmt.Sprintf("route replace %v dev %s src %v initcwnd 8192", l.Far, l.devices[0], l.Near),
		fmt.Sprintf("-n %s route replace %v dev %s src %v initcwnd 8192 initrwnd 8192", l.Namespace, l.Near, l.devices[1], l.Far),
	} {
		if err := ip("%s", line); err != nil {
			return err
		}
	}
	set := l.Command("sh", "-c", "echo 4096 16777216 16777216 >/proc/sys/net/ipv4/tcp_rmem")
	if out, err := set.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: tcp_rmem of %s: %w: %s", errors.ErrUnsupported, l.Namespace, err, strings.TrimSpace(string(out)))
	}
	return nil
}

func ip(format string, args ...any) error {
	words := strings.Fields(fmt.Sprintf(format, args...))
	if out, err := exec.Command("ip", words...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(words, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// openTUN makes a TUN device. It goes away when the file is closed.
func openTUN(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: /dev/net/tun: %w", errors.ErrUnsupported, err)
	}
	request, err := unix.NewIfreq(name)
	if err == nil {
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("make the TUN device %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// packet is on its way.
type packet struct {
	arrives time.Time
	data    []byte
}

// maxQueued is how many packets are on their way or wait in one direction; more
// are dropped, as a router does.
const maxQueued = 16 << 10

// pump carries packets in one direction, until the devices are closed.
func (l *Link) pump(from, to *os.File, opts Options) {
	queue := make(chan packet, maxQueued)
	l.pumps.Go(func() {
		defer close(queue)
		var free time.Time // when the line has sent what it was given
		buf := make([]byte, 64<<10)
		for {
			n, err := from.Read(buf)
			if err != nil {
				return
			}
			if l.cut.Load() {
				continue
			}
			l.packets.Add(1)
			now := time.Now()
			if free.Before(now) {
				free = now
			}
			if opts.Rate > 0 {
				free = free.Add(time.Duration(int64(n) * 8 * int64(time.Second) / opts.Rate))
			}
			select {
			case queue <- packet{free.Add(opts.Delay), append([]byte(nil), buf[:n]...)}:
			default:
			}
		}
	})
	l.pumps.Go(func() {
		for p := range queue {
			time.Sleep(time.Until(p.arrives))
			if !l.cut.Load() {
				to.Write(p.data) // an error says that the device is full, or closed
			}
		}
	})
}

// Cut loses all packets from now on, also those on their way, or no more.
func (l *Link) Cut(cut bool) { l.cut.Store(cut) }

// Packets is how many have begun their way in both directions.
func (l *Link) Packets() int64 { return l.packets.Load() }

// Command is a program to be run at the far end.
func (l *Link) Command(name string, args ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", l.Namespace, name}, args...)...)
}

// Listen listens at a TCP port of the far end, from this process. The sockets are
// at that end wherever they are used.
func (l *Link) Listen(port string) (net.Listener, error) {
	away, err := os.Open("/run/netns/" + l.Namespace)
	if err != nil {
		return nil, err
	}
	defer away.Close()
	var listener net.Listener
	done := make(chan error)
	go func() {
		done <- l.inside(away, func() (err error) { // ends when it listens
			listener, err = net.Listen("tcp", net.JoinHostPort(l.Far.String(), port))
			return err
		})
	}()
	err = <-done
	return listener, err
}

// inside calls f in a namespace. It keeps its thread, which the end of the
// goroutine ends with it: nobody else is to run there.
func (l *Link) inside(namespace *os.File, f func() error) error {
	runtime.LockOSThread()
	if err := unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter the namespace %s: %w", l.Namespace, err)
	}
	return f()
}

// Close removes the link. What runs at its far end goes on without it.
func (l *Link) Close() error {
	for _, device := range []*os.File{l.near, l.far} {
		if device != nil {
			device.Close()
		}
	}
	l.pumps.Wait()
	return ip("netns del %s", l.Namespace)
}
