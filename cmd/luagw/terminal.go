package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/luagw/luagw/gateways/ssh"
)

// terminal asks the user, at the terminal that the command was started from,
// whatever its standard input and output are. One question at a time is asked.
type terminal struct {
	path string
	mu   sync.Mutex // one question at a time
}

// findTerminal returns the terminal; nil if there is none.
func findTerminal() *terminal {
	path := "/dev/tty"
	if runtime.GOOS == "windows" {
		path = "CONIN$"
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil
	}
	file.Close()
	return &terminal{path: path}
}

// question is ssh.Dialer's Ask.
func (t *terminal) question(ctx context.Context, q ssh.Question) (string, error) {
	return t.ask(ctx, q.Prompt, q.Secret)
}

// ask asks until ctx ends. The answer to a secret is not shown.
func (t *terminal) ask(ctx context.Context, prompt string, secret bool) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if ctx.Err() != nil { // while another question was asked
		return "", context.Cause(ctx)
	}
	file, err := os.OpenFile(t.path, os.O_RDWR, 0)
	if err != nil {
		return "", err
	}
	state, err := term.GetState(int(file.Fd()))
	if err != nil {
		file.Close()
		return "", fmt.Errorf("%s: %w", t.path, err)
	}
	type reply struct {
		text string
		err  error
	}
	replied := make(chan reply, 1)
	go func() { // ends with the answer, or else with the command, which is about to end
		defer file.Close()
		fmt.Fprint(os.Stderr, promptText(prompt))
		text, err := read(file, secret)
		replied <- reply{text, err}
	}()
	select {
	case r := <-replied:
		return r.text, r.err
	case <-ctx.Done():
		term.Restore(int(file.Fd()), state)
		fmt.Fprintln(os.Stderr)
		return "", context.Cause(ctx)
	}
}

// promptText has a sign between the prompt and the answer.
func promptText(prompt string) string {
	prompt = strings.TrimRight(prompt, " ")
	if last, _ := utf8.DecodeLastRuneInString(prompt); unicode.IsLetter(last) || unicode.IsDigit(last) {
		prompt += ":"
	}
	return prompt + " "
}

func read(file *os.File, secret bool) (string, error) {
	if secret {
		text, err := term.ReadPassword(int(file.Fd()))
		fmt.Fprintln(os.Stderr) // the user's line break is not shown either
		return string(text), err
	}
	line, err := bufio.NewReader(file).ReadString('\n')
	if err != nil {
		return "", errors.New("nothing was answered")
	}
	return strings.TrimRight(line, "\r\n"), nil
}
