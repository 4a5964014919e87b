package std

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/luagw/luagw/internal/allow"
)

const (
	// fileBuffer is the size of a file's buffers, unless setvbuf says another.
	fileBuffer = 8 << 10

	// maxFileBuffer bounds what setvbuf may ask for.
	maxFileBuffer = 1 << 20

	// flushGrace is how long a command may take, at the fragment's end, to
	// read what is still in the buffer for it.
	flushGrace = time.Second
)

// buffering says when what was written leaves the buffer.
type buffering int

const (
	bufferFull buffering = iota // when the buffer is full
	bufferLine                  // at the end of a line, too
	bufferNone                  // at once
)

// file is an open file of a fragment: one of the system, one end of a command,
// or a standard stream. It reads and writes through buffers, and keeps the two
// in step. Not for concurrent use.
type file struct {
	ctx      context.Context // of the fragment; ends reads
	raw      io.ReadWriteCloser
	seeker   io.Seeker // nil if there is no position to seek
	readable bool
	writable bool
	standard bool // a standard stream, which cannot be closed
	closed   bool

	in        *bufio.Reader // nil until something is read
	out       *bufio.Writer // nil until something is written
	buffering buffering
	size      int         // of the buffers, in bytes
	stop      func() bool // no longer interrupts raw when ctx ends; nil if nothing does
	owner     *openFiles  // has it among its own; nil if another closes it
}

// Flags of the modes r and w.
const (
	readMode  = os.O_RDONLY
	writeMode = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
)

// openModes are the modes of io.open, without the b that means nothing here.
var openModes = entries[string, int]{
	{"r", readMode},
	{"w", writeMode},
	{"a", os.O_WRONLY | os.O_CREATE | os.O_APPEND},
	{"r+", os.O_RDWR},
	{"w+", os.O_RDWR | os.O_CREATE | os.O_TRUNC},
	{"a+", os.O_RDWR | os.O_CREATE | os.O_APPEND},
}

// openFlag returns the flags of a mode, in which a b may stand behind the
// first letter.
func openFlag(mode string) (flag int, ok bool) {
	if i := strings.IndexByte(mode, 'b'); i > 0 {
		mode = mode[:i] + mode[i+1:]
	}
	return openModes.get(mode)
}

// openFile opens the file at path. The end of ctx ends what may block: to open
// a named pipe, to read and to write it.
func openFile(ctx context.Context, path string, flag int) (*file, error) {
	if err := permittedOpen(path, flag); err != nil {
		return nil, errors.Unwrap(err) // the caller names the path
	}
	raw, err := openWait(ctx, path, flag, 0o666)
	if err != nil {
		return nil, err
	}
	f := &file{
		ctx:      ctx,
		raw:      raw,
		readable: flag&os.O_WRONLY == 0,
		writable: flag&(os.O_WRONLY|os.O_RDWR) != 0,
		size:     fileBuffer,
	}
	if _, err := raw.Seek(0, io.SeekCurrent); err == nil {
		f.seeker = raw
		return f, nil
	}
	// A file that knows no deadlines cannot be interrupted, nor need it be.
	f.stop = context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Now()) })
	return f, nil
}

// temporaryFile is a file that is removed when it is closed. It is not embedded, for
// the methods of os.File would make an agent larger.
type temporaryFile struct {
	io.ReadWriter // the file
	file          *os.File
}

func (t *temporaryFile) Close() error {
	err := t.file.Close()
	return cmp.Or(err, os.Remove(t.file.Name()))
}

// openTemporary opens a new file which is gone when it is closed or this
// process ends, where the system lets open files be removed.
func openTemporary(ctx context.Context) (*file, error) {
	if err := permitted(allow.Write, os.TempDir()); err != nil {
		return nil, err
	}
	raw, err := os.CreateTemp("", "lua_*")
	if err != nil {
		return nil, err
	}
	f := &file{ctx: ctx, raw: raw, seeker: raw, readable: true, writable: true, size: fileBuffer}
	if os.Remove(raw.Name()) != nil {
		f.raw = &temporaryFile{raw, raw}
	}
	return f, nil
}

// input returns the file's buffer for reading, behind all that was written.
func (f *file) input() (*bufio.Reader, error) {
	if !f.readable {
		return nil, syscall.EBADF
	}
	if err := f.flush(); err != nil {
		return nil, err
	}
	if f.in == nil {
		f.in = bufio.NewReaderSize(&contextReader{f.ctx, f.raw}, f.size)
	}
	return f.in, nil
}

// unread gives back what was read ahead, so that the system's position is the
// one that the fragment believes in.
func (f *file) unread() error {
	if f.seeker == nil || f.in == nil || f.in.Buffered() == 0 {
		return nil
	}
	_, err := f.seeker.Seek(-int64(f.in.Buffered()), io.SeekCurrent)
	f.in.Reset(&contextReader{f.ctx, f.raw})
	return err
}

// write writes texts one after the other.
func (f *file) write(texts ...string) error {
	if !f.writable {
		return syscall.EBADF
	}
	if err := f.unread(); err != nil {
		return err
	}
	if f.out == nil {
		f.out = bufio.NewWriterSize(f.raw, f.size)
	}
	due := f.buffering == bufferNone
	for _, text := range texts {
		if _, err := f.out.WriteString(text); err != nil {
			f.out.Reset(f.raw)
			return err
		}
		due = due || f.buffering == bufferLine && strings.Contains(text, "\n")
	}
	if due {
		return f.flush()
	}
	return nil
}

// flush writes what is in the buffer. If that fails it is lost.
func (f *file) flush() error {
	if f.out == nil {
		return nil
	}
	err := f.out.Flush()
	if err != nil {
		f.out.Reset(f.raw) // or it would return this error for ever
	}
	return err
}

// seek moves the file's position and returns it.
func (f *file) seek(offset int64, whence int) (int64, error) {
	if f.seeker == nil {
		return 0, syscall.ESPIPE
	}
	if err := f.flush(); err != nil {
		return 0, err
	}
	if err := f.unread(); err != nil {
		return 0, err
	}
	return f.seeker.Seek(offset, whence)
}

// setBuffering sets when writes leave the buffer, and its size. A standard
// stream has none: print must not overtake io.write.
func (f *file) setBuffering(b buffering, size int) error {
	err := f.flush()
	if f.standard {
		return err
	}
	f.buffering, f.out = b, nil
	if size > 0 {
		f.size = min(size, maxFileBuffer)
	}
	return err
}

// close closes the file, once what was written has left the buffer.
func (f *file) close() error {
	if f.owner != nil {
		f.owner.take(f)
	}
	return f.shut()
}

func (f *file) shut() error {
	f.closed = true
	err := f.flush()
	f.in, f.out = nil, nil
	if f.stop != nil {
		f.stop()
	}
	return cmp.Or(err, f.raw.Close())
}

// endPipe gives a command that the fragment has written to, and left open, what
// is still in the buffer. If it does not read, Popen's own end closes the pipe,
// which ends the goroutine here.
func (f *file) endPipe() {
	if f.closed {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = f.flush() // nobody is left to be told
	}()
	select {
	case <-done:
	case <-time.After(flushGrace):
	}
}
