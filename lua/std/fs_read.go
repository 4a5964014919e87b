package std

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	glua "github.com/yuin/gopher-lua"
)

const (
	// defaultMaxRead bounds what fs.read keeps in memory.
	defaultMaxRead = 1 << 30

	// defaultMaxLine bounds a line of fs.lines.
	defaultMaxLine = 64 << 20
)

// contextReader reads until ctx ends.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (cr *contextReader) Read(p []byte) (int, error) {
	if cr.ctx.Err() != nil {
		return 0, context.Cause(cr.ctx)
	}
	return cr.r.Read(p)
}

// openRead opens a file to read.
func openRead(ctx context.Context, path string) (*os.File, error) {
	return openWait(ctx, path, os.O_RDONLY, 0)
}

// openWait opens a file. To open a named pipe waits for its other end, which
// the end of ctx ends.
func openWait(ctx context.Context, path string, flag int, perm fs.FileMode) (*os.File, error) {
	if info, err := os.Stat(path); err != nil || info.Mode()&fs.ModeNamedPipe == 0 {
		return os.OpenFile(path, flag, perm)
	}
	opened := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { wakeUntil(opened, path) })
	defer stop()
	file, err := os.OpenFile(path, flag, perm)
	close(opened)
	if err == nil && ctx.Err() != nil {
		_ = file.Close()
		return nil, context.Cause(ctx)
	}
	return file, err
}

// wakeUntil wakes an open until it has happened: it may not have begun yet.
func wakeUntil(opened <-chan struct{}, path string) {
	for {
		wakeOpen(path)
		select {
		case <-opened:
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func fsRead(L *glua.LState) int {
	path := L.CheckString(1)
	limit := checkOptions(L, 2, "max").int("max", defaultMaxRead, 0)
	data, err := readFile(Of(L).Context(), path, limit)
	if err != nil {
		return failed(L, err)
	}
	L.Push(glua.LString(data))
	return 1
}

// readFile returns the content of a file of at most limit bytes.
func readFile(ctx context.Context, path string, limit int) (string, error) {
	file, err := openRead(ctx, path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	stop := interrupt(ctx, file)
	defer stop()
	var data strings.Builder
	if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
		if info.Size() > int64(limit) {
			return "", tooLarge(path, limit)
		}
		data.Grow(int(info.Size()))
	}
	n, err := io.Copy(&data, io.LimitReader(&contextReader{ctx, file}, int64(limit)+1))
	if err != nil {
		return "", err
	}
	if n > int64(limit) {
		return "", tooLarge(path, limit)
	}
	return data.String(), nil
}

func tooLarge(path string, limit int) error {
	return fmt.Errorf("read %q: larger than %d bytes (max)", path, limit)
}

// interrupt has the end of ctx end reads of a file which can block.
func interrupt(ctx context.Context, file *os.File) (stop func() bool) {
	return context.AfterFunc(ctx, func() { _ = file.SetReadDeadline(time.Now()) })
}

func fsLines(L *glua.LState) int {
	path := L.CheckString(1)
	limit := checkOptions(L, 2, "max").int("max", defaultMaxLine, 1)
	ctx := Of(L).Context()
	file, err := openRead(ctx, path)
	if err == nil {
		err = notDirectory(file)
	}
	if err != nil {
		return failed(L, err)
	}
	lines := bufio.NewReaderSize(&contextReader{ctx, file}, 64<<10)
	L.Push(L.NewFunction(func(L *glua.LState) int { return nextLine(L, ctx, file, lines, limit) }))
	return 1
}

// notDirectory tells of a directory when it is opened, not when it is read.
func notDirectory(file *os.File) error {
	info, err := file.Stat()
	if err == nil && info.IsDir() {
		err = &fs.PathError{Op: "read", Path: file.Name(), Err: errors.New("is a directory")}
	}
	if err != nil {
		_ = file.Close()
	}
	return err
}

// nextLine pushes the next line. At the end it closes the file; one that is
// not read to its end is closed by the collector.
func nextLine(L *glua.LState, ctx context.Context, file *os.File, lines *bufio.Reader, limit int) int {
	stop := interrupt(ctx, file)
	line, err := readLine(lines, limit+1)
	stop()
	if len(line) > limit {
		err = fmt.Errorf("read %q: line larger than %d bytes (max)", file.Name(), limit)
	}
	switch {
	case err == nil || errors.Is(err, io.EOF) && line != "":
		L.Push(glua.LString(line))
		return 1
	case !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrClosed):
		_ = file.Close()
		L.RaiseError("%v", err)
	}
	_ = file.Close()
	L.Push(glua.LNil)
	return 1
}
