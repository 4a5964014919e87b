package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// lookupTime bounds what a directory of users (LDAP, sssd) may take.
const lookupTime = 5 * time.Second

// account is a user of this host.
type account struct {
	name   string
	uid    int // -1 where users have no numbers
	gid    int
	groups []int // all, with the primary one
	home   string
	shell  string
}

// ownAccount is whom this process runs as. In a container it may have no name.
func ownAccount() (*account, error) {
	u, err := user.Current()
	if err != nil && os.Getuid() >= 0 {
		return accountByID(context.Background(), os.Getuid(), os.Getgid()), nil
	}
	if err != nil {
		return nil, fmt.Errorf("find out who this is: %w", err)
	}
	return accountOf(u)
}

// findAccount finds a user by name, in the files and then in the system's name
// service, which a static program does not ask by itself.
func findAccount(ctx context.Context, name string) (*account, error) {
	u, err := user.Lookup(name)
	if err == nil {
		return accountOf(u)
	}
	notFound := fmt.Errorf("no user %q here", name)
	if !strings.ContainsFunc(name, unicode.IsLetter) {
		return nil, notFound // getent would take it for a number, and 0 for root
	}
	return directoryAccount(ctx, name, notFound)
}

// accountByID finds a user by number. One that has no name can still run an
// agent, with no more than its own group.
func accountByID(ctx context.Context, uid, gid int) *account {
	number := strconv.Itoa(uid)
	if u, err := user.LookupId(number); err == nil {
		if a, err := accountOf(u); err == nil {
			return a
		}
	}
	if a, err := directoryAccount(ctx, number, errNoAccount); err == nil {
		return a
	}
	return &account{name: number, uid: uid, gid: gid, groups: []int{gid}, home: "/", shell: defaultShell}
}

const defaultShell = "/bin/sh"

var errNoAccount = errors.New("no such user")

func accountOf(u *user.User) (*account, error) {
	a := &account{name: u.Username, uid: -1, gid: -1, home: u.HomeDir, shell: shellOf(u.Username)}
	uid, uidErr := strconv.Atoi(u.Uid)
	gid, gidErr := strconv.Atoi(u.Gid)
	if uidErr != nil || gidErr != nil {
		return a, nil // Windows
	}
	a.uid, a.gid, a.groups = uid, gid, []int{gid}
	ids, err := u.GroupIds()
	if err != nil {
		return nil, fmt.Errorf("find the groups of user %q: %w", a.name, err)
	}
	a.addGroups(ids)
	return a, nil
}

func (a *account) addGroups(ids []string) {
	for _, id := range ids {
		if gid, err := strconv.Atoi(id); err == nil && !slices.Contains(a.groups, gid) {
			a.groups = append(a.groups, gid)
		}
	}
}

// shellOf reads the login shell, which package user does not tell.
func shellOf(name string) string {
	data, _ := os.ReadFile("/etc/passwd")
	for line := range strings.Lines(string(data)) {
		fields := strings.Split(strings.TrimSpace(line), ":")
		if len(fields) == 7 && fields[0] == name && fields[6] != "" {
			return fields[6]
		}
	}
	return defaultShell
}

// directoryAccount asks getent and id.
func directoryAccount(ctx context.Context, key string, notFound error) (*account, error) {
	if strings.HasPrefix(key, "-") {
		return nil, notFound // it would be taken for an option
	}
	fields := strings.Split(ask(ctx, "getent", "passwd", key), ":")
	if len(fields) != 7 {
		return nil, notFound
	}
	uid, uidErr := strconv.Atoi(fields[2])
	gid, gidErr := strconv.Atoi(fields[3])
	if uidErr != nil || gidErr != nil {
		return nil, notFound
	}
	a := &account{name: fields[0], uid: uid, gid: gid, groups: []int{gid}, home: fields[5], shell: fields[6]}
	a.addGroups(strings.Fields(ask(ctx, "id", "-G", a.name)))
	return a, nil
}

// ask runs a program of the system and returns what it says; nothing if it fails.
func ask(ctx context.Context, argv ...string) string {
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
