package std

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// lookupLimit bounds what getent may take: a directory server that does not
// answer must not hold up a fragment for long.
const lookupLimit = 10 * time.Second

// account is a user of this host.
type account struct {
	name   string
	uid    int
	gid    int   // of the primary group
	groups []int // all groups, the primary one too; only from accounts.user
	home   string
	shell  string
}

// accounts looks up users and groups in /etc/passwd and /etc/group, and asks
// getent for those which are not there but in a directory (LDAP, sssd). Each
// file is read once, when first needed, so one accounts should serve one call:
// the agent lives longer than the files stay as they are. Not for concurrent use.
type accounts struct {
	passwd, group [][]string // the fields of each line; nil until read
}

// user finds a user, with all groups, by name or, if there is no such name, by id.
func (as *accounts) user(ctx context.Context, name string) (*account, error) {
	a, err := as.passwdEntry(ctx, name)
	if err != nil {
		return nil, err
	}
	a.groups = as.groupsOf(a)
	if findEntry(as.passwdFile(), 0, a.name) == nil {
		a.groups = append(a.groups, directoryGroups(ctx, a.name)...)
	}
	return a, nil
}

// uid finds a user's id by name; a number that is no name stands for itself.
func (as *accounts) uid(ctx context.Context, name string) (int, error) {
	a, err := as.passwdEntry(ctx, name)
	if err == nil {
		return a.uid, nil
	}
	return idItself(name, err)
}

// gid finds a group's id by name; a number that is no name stands for itself.
func (as *accounts) gid(ctx context.Context, name string) (int, error) {
	fields := findEntry(as.groupFile(), 0, name)
	if fields == nil {
		fields = getent(ctx, "group", name, 3)
	}
	if fields == nil {
		return idItself(name, fmt.Errorf("no group %q", name))
	}
	return strconv.Atoi(fields[2])
}

func idItself(name string, notFound error) (int, error) {
	id, err := strconv.Atoi(name)
	if err != nil || id < 0 {
		return 0, notFound
	}
	return id, nil
}

// userName is the name of the user with this id in /etc/passwd, "" if it has
// none. It asks no directory, being called for each file of a tree.
func (as *accounts) userName(uid int) string { return nameOf(as.passwdFile(), uid) }

// groupName is the name of the group with this id in /etc/group, or "".
func (as *accounts) groupName(gid int) string { return nameOf(as.groupFile(), gid) }

func nameOf(file [][]string, id int) string {
	if fields := findEntry(file, 2, strconv.Itoa(id)); fields != nil {
		return fields[0]
	}
	return ""
}

func (as *accounts) passwdEntry(ctx context.Context, name string) (*account, error) {
	fields := findEntry(as.passwdFile(), 0, name)
	if fields == nil {
		fields = findEntry(as.passwdFile(), 2, name)
	}
	if fields == nil {
		fields = getent(ctx, "passwd", name, 7)
	}
	if len(fields) < 7 {
		return nil, fmt.Errorf("no user %q", name)
	}
	uid, uidErr := strconv.Atoi(fields[2])
	gid, gidErr := strconv.Atoi(fields[3])
	if err := errors.Join(uidErr, gidErr); err != nil {
		return nil, fmt.Errorf("user %q: %w", name, err)
	}
	return &account{name: fields[0], uid: uid, gid: gid, home: fields[5], shell: fields[6]}, nil
}

// groupsOf returns the groups that list a as a member, and its primary one.
func (as *accounts) groupsOf(a *account) []int {
	groups := []int{a.gid}
	for _, fields := range as.groupFile() {
		if len(fields) < 4 || !slices.Contains(strings.Split(fields[3], ","), a.name) {
			continue
		}
		if gid, err := strconv.Atoi(fields[2]); err == nil && gid != a.gid {
			groups = append(groups, gid)
		}
	}
	return groups
}

func (as *accounts) passwdFile() [][]string {
	if as.passwd == nil {
		as.passwd = readEntries("/etc/passwd")
	}
	return as.passwd
}

func (as *accounts) groupFile() [][]string {
	if as.group == nil {
		as.group = readEntries("/etc/group")
	}
	return as.group
}

// readEntries splits a file of colon-separated lines; a file that cannot be
// read has none.
func readEntries(path string) [][]string {
	data, _ := os.ReadFile(path)
	entries := [][]string{}
	for line := range strings.Lines(string(data)) {
		fields := strings.Split(strings.TrimSpace(line), ":")
		if len(fields) >= 3 && !strings.HasPrefix(line, "#") {
			entries = append(entries, fields)
		}
	}
	return entries
}

func findEntry(entries [][]string, field int, value string) []string {
	for _, fields := range entries {
		if fields[field] == value {
			return fields
		}
	}
	return nil
}

// getent asks the system's name service, nil if it does not know key or there
// is no getent.
func getent(ctx context.Context, database, key string, fields int) []string {
	if strings.HasPrefix(key, "-") {
		return nil // it would be taken for an option
	}
	entry := strings.Split(lookUp(ctx, "getent", database, key), ":")
	if len(entry) < fields {
		return nil
	}
	return entry
}

// directoryGroups returns the groups of a user who is not in /etc/passwd.
func directoryGroups(ctx context.Context, name string) []int {
	var groups []int
	for _, field := range strings.Fields(lookUp(ctx, "id", "-G", name)) {
		if gid, err := strconv.Atoi(field); err == nil {
			groups = append(groups, gid)
		}
	}
	return groups
}

// lookUp runs a program of the system and returns what it says, "" if it
// fails or takes too long.
func lookUp(ctx context.Context, argv ...string) string {
	ctx, cancel := context.WithTimeout(ctx, lookupLimit)
	defer cancel()
	cmd := &command{argv: argv, maxOutput: 1 << 20}
	res, err := cmd.run(ctx)
	if err != nil || res.status != 0 {
		return ""
	}
	return strings.TrimSpace(string(res.stdout))
}
