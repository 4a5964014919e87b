package std

import (
	"net"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"

	glua "github.com/yuin/gopher-lua"
)

// hostTable is where a state's registry keeps its host module.
const hostTable = "luagw.host"

// hostLibrary gives facts on this host as fields. A fact is found out when it
// is first touched, and kept in the state until host.refresh.
func hostLibrary() Library {
	return Library{
		Name: "host",
		Funcs: map[string]glua.LGFunction{
			"facts":   hostGather,
			"refresh": hostRefresh,
		},
		Setup: func(L *glua.LState, module *glua.LTable) {
			L.G.Registry.RawSetString(hostTable, module)
			mt := L.CreateTable(0, 1)
			mt.RawSetString("__index", L.NewFunction(hostIndex))
			module.Metatable = mt
		},
	}
}

// HostFacts returns the names of the facts that host has as fields, sorted.
// On each system all names are there; what a system cannot tell is nil.
func HostFacts() []string {
	names := facts.keys()
	slices.Sort(names)
	return names
}

// facts finds out one thing each, in the types that fromGo takes; nil if it is
// not known.
var facts = entries[string, func(host system) any]{
	{"arch", func(system) any { return runtime.GOARCH }},
	{"cpus", func(system) any { return runtime.NumCPU() }},
	{"env", func(system) any { return environmentFact() }},
	{"groups", system.groups},
	{"hostname", func(system) any { name, _ := os.Hostname(); return known(name) }},
	{"interfaces", func(system) any { return interfacesFact() }},
	{"os", func(system) any { return runtime.GOOS }},
	{"timezone", system.timezone},
	{"user", system.user},
	{"users", system.users},

	{"boot_time", system.bootTime},
	{"cpu_model", system.cpuModel},
	{"disks", system.disks},
	{"distro", system.distro},
	{"distro_name", system.distroName},
	{"distro_version", system.distroVersion},
	{"family", system.family},
	{"init", system.init},
	{"kernel", system.kernel},
	{"load", system.load},
	{"machine", system.machine},
	{"memory", system.memory},
	{"mounts", system.mounts},
	{"package_manager", system.packageManager},
	{"uptime", system.uptime},
	{"virtual", system.virtual},
}

// hostIndex finds out a fact that is not there yet. A name that is no fact
// raises: a typo must not look like something that is not known.
func hostIndex(L *glua.LState) int {
	module, name := L.CheckTable(1), L.Get(2)
	v, ok := touchFact(L, module, name)
	if !ok {
		L.RaiseError("host: %s", unknownName("fact", name.String(), HostFacts()))
	}
	L.Push(v)
	return 1
}

// touchFact returns the fact of that name and keeps it in module. It is not ok
// if there is no such fact.
func touchFact(L *glua.LState, module *glua.LTable, name glua.LValue) (v glua.LValue, ok bool) {
	key, _ := name.(glua.LString)
	find, ok := facts.get(string(key))
	if !ok {
		return nil, false
	}
	if v := module.RawGetString(string(key)); v != glua.LNil {
		return v, true
	}
	v = fromGo(L, find(system{root: "/"}))
	module.RawSetString(string(key), v)
	return v, true
}

// hostGather is host.facts(names): a table of all facts, or of those named.
func hostGather(L *glua.LState) int {
	module := L.G.Registry.RawGetString(hostTable).(*glua.LTable)
	gathered := L.NewTable()
	for _, name := range factNames(L) {
		v, _ := touchFact(L, module, glua.LString(name))
		gathered.RawSetString(name, v)
	}
	L.Push(gathered)
	return 1
}

// hostRefresh is host.refresh(names): it forgets all facts, or those named.
func hostRefresh(L *glua.LState) int {
	module := L.G.Registry.RawGetString(hostTable).(*glua.LTable)
	for _, name := range factNames(L) {
		module.RawSetString(name, glua.LNil)
	}
	return 0
}

// factNames reads the list of names that argument 1 may be. Without it all
// facts are meant.
func factNames(L *glua.LState) []string {
	if L.Get(1) == glua.LNil {
		return HostFacts()
	}
	given := L.CheckTable(1)
	var names []string
	for i := 1; i <= given.Len(); i++ {
		name := given.RawGetInt(i).String()
		if _, known := facts.get(name); !known {
			L.ArgError(1, unknownName("fact", name, HostFacts()))
		}
		names = append(names, name)
	}
	return names
}

// system is a host to find out about, seen through its files. Those of
// another system, or a test, may lie under another root.
type system struct{ root string }

func (host system) path(name string) string {
	return strings.TrimSuffix(host.root, "/") + name
}

// read returns a file's content without white space around it, "" if it
// cannot be read.
func (host system) read(name string) string {
	data, _ := os.ReadFile(host.path(name))
	return strings.TrimSpace(string(data))
}

func (host system) exists(name string) bool {
	_, err := os.Stat(host.path(name))
	return err == nil
}

func environmentFact() any {
	env := object{}
	for _, entry := range os.Environ() {
		// Windows keeps the directories of its drives in names that begin
		// with the sign.
		if name, value, ok := strings.Cut(entry, "="); ok && name != "" {
			env[name] = value
		}
	}
	return env
}

func interfacesFact() any {
	found, err := net.Interfaces()
	if err != nil {
		return nil
	}
	list := []any{}
	for _, i := range found {
		list = append(list, object{
			"name":      i.Name,
			"mac":       known(i.HardwareAddr.String()),
			"mtu":       i.MTU,
			"up":        i.Flags&net.FlagUp != 0,
			"loopback":  i.Flags&net.FlagLoopback != 0,
			"addresses": addresses(i),
		})
	}
	return list
}

// addresses are with the length of their prefix, as in 10.0.0.5/24.
func addresses(i net.Interface) []string {
	found, _ := i.Addrs()
	list := make([]string, len(found))
	for n, address := range found {
		list[n] = address.String()
	}
	return list
}

func (host system) users() any {
	list := []any{}
	for _, fields := range readEntries(host.path("/etc/passwd")) {
		if user := userFact(fields); user != nil {
			list = append(list, user)
		}
	}
	return list
}

// userFact is nil for a line that is none of passwd(5).
func userFact(fields []string) any {
	if len(fields) < 7 {
		return nil
	}
	uid, err1 := strconv.Atoi(fields[2])
	gid, err2 := strconv.Atoi(fields[3])
	if err1 != nil || err2 != nil {
		return nil
	}
	return object{
		"name": fields[0], "uid": uid, "gid": gid,
		"comment": fields[4], "home": fields[5], "shell": fields[6],
	}
}

func (host system) groups() any {
	list := []any{}
	for _, fields := range readEntries(host.path("/etc/group")) {
		gid, err := strconv.Atoi(fields[2])
		if err != nil || len(fields) < 4 {
			continue
		}
		members := strings.FieldsFunc(fields[3], func(r rune) bool { return r == ',' })
		list = append(list, object{"name": fields[0], "gid": gid, "members": members})
	}
	return list
}

// user is the user of this process. One without a line in /etc/passwd is what
// the environment says.
func (host system) user() any {
	uid := os.Getuid()
	fields := findEntry(readEntries(host.path("/etc/passwd")), 2, strconv.Itoa(uid))
	if user := userFact(fields); user != nil {
		return user
	}
	home, _ := os.UserHomeDir()
	user := object{"name": userNameVariable(), "home": known(home)}
	if uid >= 0 { // there are none on Windows
		user["uid"], user["gid"] = uid, os.Getgid()
	}
	return user
}

func userNameVariable() any {
	for _, name := range []string{"USER", "LOGNAME", "USERNAME"} {
		if value := os.Getenv(name); value != "" {
			return value
		}
	}
	return nil
}

// timezone is a name of the IANA's list if that can be found out.
func (host system) timezone() any {
	if tz := strings.TrimPrefix(os.Getenv("TZ"), ":"); tz != "" {
		return tz
	}
	link, err := os.Readlink(host.path("/etc/localtime"))
	if _, name, ok := strings.Cut(link, "zoneinfo/"); ok {
		return name
	}
	if name := host.read("/etc/timezone"); name != "" {
		return name
	}
	if os.IsNotExist(err) && runtime.GOOS == "linux" {
		return "UTC" // as the C library takes it
	}
	return nil
}
