// Package luagw runs fragments of Lua on other machines and talks with them
// over channels.
//
// A gateway is a connection to an agent: a small program, one static file, which
// runs Lua. It may be a child of this program, on a host behind ssh or behind a
// luagw server, or at the end of whatever a command line reaches, such as
// docker exec -i. A fragment is sent by [Gateway.RemoteExec]; both sides get a
// channel and exchange items on it. It is py.execnet thought anew: Go on the near
// side, Lua 5.1 on the far side.
//
// # Which function for whom
//
// To run something and have what it returns, use [Gateway.Call]. To exchange
// items with it while it runs, use [Gateway.RemoteExec], or
// [Gateway.RemoteExecFile] where the fragment is a file. To do so on many
// machines at a time, use [Group.OpenAll] and [Group.RemoteExec], whose
// [MultiChannel] is all their channels as one. To move bytes rather than items,
// use [Channel.Reader] and [Channel.Writer].
//
// A program that is to be its own agent, so that its fragments find Go
// functions of its own, begins its main with [ServeIfAgent]. A test, or a
// program that wants Lua without another process, sets Group.Dial to what
// [InProcess] returns. Everybody else sets it to gateways.Dial of package
// [github.com/luagw/luagw/gateways].
//
// Who wants to run shell commands on hosts where no program can be put needs
// something else: a gateway has an agent at its far end.
//
// # Gateways
//
// A [Group] opens gateways from spec strings, as [ParseSpec] explains them, and
// holds them until they end. What is wrong in a spec is told before anything is
// started. A gateway that could not be opened is an [*OpenError] which names the
// stage, and leaves nothing behind. A gateway that is returned is alive: its
// agent has said hello and its settings are in force. Only [Group.Start] does not
// wait for that.
//
// [Gateway.Info] says what the agent told of its host in the hello.
// [Gateway.Status] asks what it is doing. A gateway opened with //via=ID goes
// through another one of its group, if that one's agent has an [Agent.Dial].
//
// # Channels
//
// A [Channel] carries items both ways, in order and whole. An item is a nil,
// bool, number, string of any bytes, list, map, time, or another channel of the
// same gateway; [Marshal] tells what Go types become of it, and doc/lua.md what
// fragments see. [ReceiveAs] receives into a type of one's own.
//
// What is not received waits in a window of bounded size, and then the sender
// waits; nothing is dropped and memory stays flat. One channel that nobody reads
// does not hold up the others.
//
// [Channel.Receive] gives the items first and then, every time, [io.EOF] or what
// went wrong. [Channel.CloseWrite] says that no more items will be sent; the
// loop of the fragment over its channel ends. [Channel.Close] says that one is
// not interested any more, and cancels the fragment. [Channel.Results] waits for
// what the fragment returned.
//
// # Errors
//
// Each situation that a caller may want to tell apart has a type, which
// [errors.AsType] finds:
//
//   - [*SpecError]: a spec is wrong; nothing was started.
//   - [*OpenError]: a gateway could not be opened, and at which [Stage].
//   - [*RemoteError]: a fragment raised an error; with traceback and value.
//   - [*ValueError]: a part of an item cannot travel, or does not fit; with its
//     path.
//   - [*GatewayLostError]: the connection ended without a goodbye; with the
//     exit status or signal, and the last words, of the far process where they
//     are known.
//   - [ErrClosed], by [errors.Is]: this side has closed it, and the text tells
//     what. It wraps [net.ErrClosed].
//   - [io.EOF]: the other side is done, and well.
//
// The end of a channel or gateway is told the same way by every call, every
// time.
//
// # Contexts and lifetime
//
// These rules hold throughout:
//
//   - A context bounds the call it is given to and nothing else. What a call has
//     made lives on when its context ends.
//   - Who makes something closes it. A Group closes its gateways, a gateway its
//     channels; closing twice does no harm. Close is at once, Shutdown lets
//     fragments finish first, and both are bounded in time.
//   - A fragment lives until it returns, its channel is closed, or its gateway
//     ends. Processes that it started and did not detach end with it.
//   - An agent ends when its connection does, and is reaped.
//   - Whatever lives has a Done channel and an Err which says why it is done.
//   - Fields of a struct are set before its first method is called, and not
//     changed after. All methods may be called concurrently where the type's
//     documentation does not say otherwise. Items are the caller's: what was
//     sent may be changed after Send, and nobody keeps what was received.
//
// # Agents
//
// An [Agent] is the far side. What runs the fragments is its [Runner]:
// lua.Runtime of package [github.com/luagw/luagw/lua]. The command luagw-agent
// is nothing more than these two. The agent of a popen gateway whose spec names
// no program is this very program if it has called [ServeIfAgent], else
// $LUAGW_AGENT, else luagw-agent beside this program or on the PATH.
//
// # Security
//
// A fragment may do what the user may whom the agent runs as: there is no
// sandbox around it but for limits of time, memory and number, which the keys
// max_time, max_memory and max_running of a spec set. So whoever can run
// fragments has that user's account.
//
// The other way round nothing is trusted: the sizes of frames, the depth of items
// and the memory that decoding one may take are bounded, and a frame that breaks
// the protocol ends the connection. A far side cannot have code run on the near
// side. It can read the modules in Group.Modules by their names, and what is
// sent to it.
//
// Command lines in specs are split into words and never run by a shell.
// Environment variables and other settings travel in the first frame and not in
// arguments, which every user of a host can see.
package luagw
