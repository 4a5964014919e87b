// Package proctree ends what a process has started, and what those started,
// wherever they went.
//
// A process that must leave nothing behind has three holds on others: the
// session or process group that it put them in ([KillSession], [KillGroup]),
// their descent ([Adopt], [KillDescendants]), and a word in their environment
// that they hand down to whatever they start ([KillCookie]). Each fails where
// another works: setsid leaves a session, an orphan changes its parent, env -i
// drops the word.
//
// A process whose environment has LUAGW_DETACHED=1 is meant to stay and is
// spared by KillDescendants and KillCookie.
//
// The functions look into /proc and are whole on Linux. On other Unix systems
// a session is its leader's process group, and descent and cookies are not
// followed; on Windows nothing is.
//
// Nothing here starts a goroutine. All functions may be called concurrently.
package proctree

// Variables in the environment of processes.
const (
	// CookieVar is what KillCookie looks for.
	CookieVar = "LUAGW_GATEWAY"

	// DetachedVar is "1" for a process that is meant to outlive the agent
	// that started it.
	DetachedVar = "LUAGW_DETACHED"
)
