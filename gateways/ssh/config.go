package ssh

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/luagw/luagw/internal/nearest"
)

const (
	systemConfig = "/etc/ssh/ssh_config"

	// maxIncludes is how deep files may include each other, as in OpenSSH.
	maxIncludes = 16

	// maxConfig is how large a configuration file may be, in bytes.
	maxConfig = 4 << 20
)

// errNeedsSystem tells that only OpenSSH itself can say what a configuration
// comes to.
var errNeedsSystem = errors.New("the configuration needs OpenSSH to be understood")

// configReader reads configuration files for one host. It follows ssh_config(5)
// and not a library: those at hand refuse a whole file for a Match that
// they do not know, as the stock files of some distributions have, and pass over
// keywords in silence.
type configReader struct {
	ctx      context.Context
	home     string
	original string   // the host as it was asked for
	host     string   // what Host and Match host look at
	user     string   // of this machine
	found    settings // so far
	final    bool     // this is the second pass
	wants    bool     // a Match final asks for a second pass
	system   bool     // it is in the system's file, or what that includes
	ignore   []string // patterns of IgnoreUnknown
	note     func(text string)
}

// readSettings reads what the configuration says of a host. file is the one of
// the spec: empty for those of the user and the system, "none" for no file.
func (d *Dialer) readSettings(ctx context.Context, name, file string, given settings) (settings, error) {
	if err := checkNames(name, given.one("user")); err != nil {
		return nil, err
	}
	r := &configReader{
		ctx: ctx, home: d.home(), original: name, host: name, user: localUser(),
		found: maps.Clone(given), note: d.notice,
	}
	err := r.readAll(file)
	if err == nil && r.wants {
		r.final, r.host = true, r.hostName()
		err = r.readAll(file)
	}
	if err == nil && !slices.Contains([]string{"", "no"}, r.found.one("canonicalizehostname")) {
		err = errNeedsSystem
	}
	if errors.Is(err, errNeedsSystem) {
		return d.systemSettings(ctx, name, file, given, r.found, err)
	}
	return r.found, err
}

// readAll reads all files once.
func (r *configReader) readAll(file string) error {
	switch file {
	case "none":
		return nil
	case "":
		err := r.readGuarded(filepath.Join(r.home, ".ssh", "config"), 0, true)
		if err == nil {
			r.system = true
			err = r.read(systemConfig, 0, true)
			r.system = false
		}
		return err
	}
	path := untilde(file, r.home)
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("ssh_config: %w", err)
	}
	return r.read(path, 0, true)
}

// readGuarded reads a file that nobody else can change.
func (r *configReader) readGuarded(path string, depth int, counts bool) error {
	if info, err := os.Stat(path); err == nil {
		if err := checkOwner(info); err != nil {
			return fmt.Errorf("%s is not read: %w, and it could run programs", path, err)
		}
	}
	return r.read(path, depth, counts)
}

// read reads a file. One that is not there says nothing. Nothing counts in a
// file that is included where nothing counts.
func (r *configReader) read(path string, depth int, counts bool) error {
	if depth > maxIncludes {
		return fmt.Errorf("%s: files include each other more than %d deep", path, maxIncludes)
	}
	text, err := readBounded(path, maxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	active := counts
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, maxConfig)
	for number := 1; lines.Scan(); number++ {
		line := configLine{file: path, number: number}
		if err := line.parse(lines.Text()); err != nil {
			return err
		}
		if line.keyword == "" {
			continue
		}
		if active, err = r.take(&line, depth, counts, active); err != nil {
			return err
		}
	}
	return lines.Err()
}

// take does what a line says. The result is whether the lines after it count.
func (r *configReader) take(line *configLine, depth int, counts, active bool) (bool, error) {
	switch line.keyword {
	case "host":
		return counts && matchList(r.host, line.words), nil // as in OpenSSH, case matters here
	case "match":
		matches, err := r.match(line)
		return counts && matches, err
	case "include":
		return active, r.include(line, depth, active)
	}
	if !active {
		return active, nil
	}
	if line.keyword == "ignoreunknown" {
		r.ignore = append(r.ignore, strings.Split(strings.ToLower(strings.Join(line.words, ",")), ",")...)
	}
	if err := line.checkChoice(); err != nil {
		return active, err
	}
	r.complain(line)
	r.found.add(line.keyword, line.words)
	return active, nil
}

// complain tells of a keyword that will have no effect. The system's file is
// spared where its keywords are known: distributions set GSSAPI for everybody.
func (r *configReader) complain(line *configLine) {
	switch {
	case keywords[line.keyword] || matchList(line.keyword, r.ignore):
	case !undone[line.keyword]:
		r.note(fmt.Sprintf("%s: %q is not understood, and has no effect%s", line.where(), line.spelt, meant(line.keyword)))
	case r.system:
	case line.keyword == "connectionattempts" && line.words[0] == "1":
	case !slices.Contains([]string{"no", "none"}, strings.ToLower(strings.Join(line.words, " "))):
		r.note(fmt.Sprintf("%s: %s has no effect here; with ssh_program=ssh it has", line.where(), line.spelt))
	}
}

// meant tells which keyword was perhaps meant by one that there is not.
func meant(keyword string) string {
	all := slices.Sorted(maps.Keys(keywords))
	if word := nearest.Word(keyword, append(all, slices.Sorted(maps.Keys(undone))...)); word != "" {
		return fmt.Sprintf("; did you mean %q?", word)
	}
	return ""
}

// include reads the files that a line names, in their order.
func (r *configReader) include(line *configLine, depth int, active bool) error {
	base := filepath.Join(r.home, ".ssh")
	if r.system {
		base = filepath.Dir(systemConfig)
	}
	for _, pattern := range line.words {
		pattern = untilde(pattern, r.home)
		if !filepath.IsAbs(pattern) {
			pattern = filepath.Join(base, pattern)
		}
		paths, err := filepath.Glob(pattern)
		if err != nil {
			return fmt.Errorf("%s: Include %q: %w", line.where(), pattern, err)
		}
		for _, path := range paths {
			if isDir(path) { // as OpenSSH does it: config.d/* may find folders beside the files
				continue
			}
			if err := r.readGuarded(path, depth+1, active); err != nil {
				return err
			}
		}
	}
	return nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// hostName is the HostName as far as it is known.
func (r *configReader) hostName() string {
	name := r.found.one("hostname")
	if name == "" {
		return r.host
	}
	if expanded, err := (tokens{'h': r.host, 'n': r.original, '%': "%"}).expand(name); err == nil {
		return expanded
	}
	return name
}

// configLine is a line of a configuration file.
type configLine struct {
	file    string
	number  int
	keyword string // in lower case; empty if the line says nothing
	spelt   string
	words   []string // at least one
}

// rawKeywords take the rest of their line as it is.
var rawKeywords = map[string]bool{
	"proxycommand": true, "localcommand": true, "remotecommand": true, "knownhostscommand": true,
}

func (l *configLine) where() string { return fmt.Sprintf("%s:%d", l.file, l.number) }

func (l *configLine) parse(text string) error {
	text = strings.TrimSpace(text)
	if text == "" || text[0] == '#' {
		return nil
	}
	end := strings.IndexAny(text, " \t=\"")
	if end < 0 {
		return fmt.Errorf("%s: %q has no value", l.where(), text)
	}
	l.spelt = text[:end]
	l.keyword = strings.ToLower(l.spelt)
	rest := strings.TrimLeft(text[end:], " \t")
	rest = strings.TrimLeft(strings.TrimPrefix(rest, "="), " \t")
	if rawKeywords[l.keyword] {
		l.words = []string{rest}
		return nil
	}
	words, err := configWords(rest)
	if err == nil && len(words) == 0 {
		err = errors.New("it has no value")
	}
	if err != nil {
		return fmt.Errorf("%s: %s: %w", l.where(), l.spelt, err)
	}
	l.words = words
	return nil
}

// configWords splits at white space outside quotes, up to a comment.
func configWords(text string) (words []string, err error) {
	for text = strings.TrimLeft(text, " \t"); text != "" && text[0] != '#'; text = strings.TrimLeft(text, " \t") {
		var word string
		if word, text, err = cutConfigWord(text); err != nil {
			return nil, err
		}
		words = append(words, word)
	}
	return words, nil
}

func cutConfigWord(text string) (word, rest string, err error) {
	var b strings.Builder
	var quote byte
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\' && i+1 < len(text) && (strings.IndexByte(`"'\`, text[i+1]) >= 0 || quote == 0 && text[i+1] == ' '):
			i++
			b.WriteByte(text[i])
		case quote == 0 && (c == ' ' || c == '\t'):
			return b.String(), text[i:], nil
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case c == quote && quote != 0:
			quote = 0
		default:
			b.WriteByte(c)
		}
	}
	if quote != 0 {
		return "", "", fmt.Errorf("a %c has no end", quote)
	}
	return b.String(), "", nil
}

// readBounded reads a file of at most limit bytes.
func readBounded(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("%s has %d bytes, more than %d", path, info.Size(), limit)
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%s is a directory", path)
	}
	return os.ReadFile(path)
}
