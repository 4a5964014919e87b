---@meta process

--- Commands, run without a shell unless one is asked for.
---
--- A command never sees the standard streams of the agent: its input is empty
--- unless given. It has a process group of its own. When the time is over, or
--- the fragment is cancelled, the whole group is asked to end (SIGTERM) and
--- killed a second later. What a command leaves running in its group is ended
--- when the fragment ends, unless `detach` is set; a daemon that has made
--- itself independent, as daemons do, is not.
---
--- ```lua
--- local r = assert(process.run({"git", "pull"}, {dir = "/srv/app", timeout = "2m"}))
--- if not r.ok then error(r.stderr) end
---
--- local kernel = process.run({"uname", "-r"}, {check = true}).stdout
--- ```
---@class process
process = {}

--- Options of `process.run` and `process.shell`.
---@class process.RunOptions
---@field stdin? string standard input, any bytes; empty by default
---@field env? table<string, string|number|false> changes to the agent's environment; false takes a variable away
---@field dir? string working directory; the gateway's by default
---@field timeout? number|string seconds, or a text as "1m30s", after which the command is ended; no limit by default
---@field user? string name or id of the user to run as, with all groups and HOME, USER, LOGNAME and SHELL set; only root may
---@field merge? boolean puts standard error into `stdout`, in the order written; false by default
---@field max_output? integer bytes of standard output and of standard error to keep; when there are more the command is ended, which is an error; 64 MiB by default
---@field check? boolean raises if the command cannot be run, fails or runs out of time, with what it wrote to standard error; false by default
---@field detach? boolean spares what the command leaves running when the fragment ends; false by default

--- How a command ended.
---@class process.Result
---@field ok boolean whether the status is 0 and the time was enough
---@field status integer exit status; if a signal ended the command, 128 and the number of the signal
---@field signal string? name of the signal that ended the command, as in "SIGKILL"
---@field timed_out boolean whether it was ended because the time was over
---@field duration number seconds that it took
---@field stdout string? standard output, any bytes; nil for processes started by `process.start`
---@field stderr string? standard error

--- Runs a program to its end and returns what it wrote.
---
--- The words reach the program as they are, so nothing needs to be quoted. The
--- program is looked for in the PATH of its own environment. A second after the
--- program has ended its output is taken to be complete, even if something that
--- it left running holds it open.
---
--- A status other than 0 is a result like others. To have it raise, set `check`.
---@param argv (string|number)[] the program and its arguments
---@param options? process.RunOptions
---@return process.Result? result nil if it cannot be run, or wrote more than `max_output`
---@return string? message why not
function process.run(argv, options) end

--- Runs a line by the shell, /bin/sh, and returns what it wrote. What comes
--- from elsewhere must be quoted by `text.shell_quote` before it is put into
--- the line.
---@param line string
---@param options? process.RunOptions
---@return process.Result? result nil if it cannot be run, or wrote more than `max_output`
---@return string? message why not
function process.shell(line, options) end

--- Options of `process.lines`.
---@class process.LinesOptions
---@field stdin? string standard input, any bytes; empty by default
---@field env? table<string, string|number|false> as for `process.run`
---@field dir? string as for `process.run`
---@field timeout? number|string as for `process.run`
---@field user? string as for `process.run`
---@field merge? boolean makes one stream of both, named "stdout"; false by default
---@field max_output? integer as for `process.start`
---@field check? boolean raises at the end of the loop if the command failed or ran out of time; false by default

--- Runs a program and walks the lines that it writes, as it writes them.
---
--- Lines come without their end, be it `\n` or `\r\n`; of a line longer than
--- 1 MiB come several pieces. While the loop is busy the program waits, once
--- 1 MiB is unread. A loop that is left early leaves the program as it is,
--- until the fragment ends or somebody kills it.
---
--- ```lua
--- local lines, p = assert(process.lines{"journalctl", "-f"})
--- for line, stream in lines do
---   if line:find("error") then p:kill() end
--- end
--- print(p:wait().status)
--- ```
---@param argv (string|number)[] the program and its arguments
---@param options? process.LinesOptions
---@return (fun(): string?, string?)? iterator gives a line, and "stdout" or "stderr"; nil if the program cannot be run
---@return Process|string process the running program; the message, if it cannot be run
function process.lines(argv, options) end

--- Options of `process.start`.
---@class process.StartOptions
---@field stdin? string|true standard input; true makes it a pipe for `write`; empty by default
---@field env? table<string, string|number|false> as for `process.run`
---@field dir? string as for `process.run`
---@field timeout? number|string as for `process.run`
---@field user? string as for `process.run`
---@field merge? boolean makes one stream of both, named "stdout"; false by default
---@field max_output? integer bytes of output to keep while `wait` or `write` waits; when there are more, these return an error; 64 MiB by default
---@field detach? boolean lets the program live on when the fragment, or the agent, ends; it has a session of its own then, and what it writes is dropped; false by default

--- Starts a program and returns at once.
---
--- ```lua
--- local p = assert(process.start({"bc"}, {stdin = true}))
--- p:write("6*7\n")
--- print((p:read_line(5)))
--- p:close_stdin()
--- p:wait()
--- ```
---@param argv (string|number)[] the program and its arguments
---@param options? process.StartOptions
---@return Process? process nil if the program cannot be run
---@return string? message why not
function process.start(argv, options) end

--- A program that runs beside the fragment.
---@class Process
---@field pid integer number of the process
local Process = {}

--- Waits for the next line of output.
---@param timeout? number|string how long to wait at most; 0 does not wait, nil waits without a limit
---@return string? line without its end; nil if there is none
---@return string stream "stdout" or "stderr"; if there is no line, "timeout", or "closed" when there will be no more
function Process:read_line(timeout) end

--- Walks the lines that the program writes, until it is done.
---@return fun(): string?, string? iterator gives a line, and "stdout" or "stderr"
function Process:lines() end

--- Writes to the program's standard input, which must have been made a pipe
--- with `stdin = true`. It waits while the program does not read.
---@param data string any bytes
---@return true? done nil if the program does not read any more
---@return string? message why it was not written
function Process:write(data) end

--- Ends the program's standard input. To do so twice is no error.
---@return true done
function Process:close_stdin() end

--- Waits for the program to end. Its output is kept meanwhile and can be read
--- afterwards.
---@param timeout? number|string how long to wait at most; 0 does not wait, nil waits without a limit
---@return process.Result? result without `stdout` and `stderr`; nil if it has not ended
---@return string? message "timeout", or that there is too much output to keep
function Process:wait(timeout) end

--- Sends a signal to the program and to what it has started.
---@param signal? string|integer name, as "HUP" or "SIGHUP", or number; SIGTERM by default. Windows has but SIGKILL and SIGTERM
---@return true? done nil if it cannot be sent
---@return string? message why not, as "process has ended"
function Process:kill(signal) end

--- What is known of a running process.
---@class process.Info
---@field pid integer
---@field ppid integer number of the process that started it, or took it over
---@field name string name of the program, at most 15 bytes
---@field state string one letter: R runs, S and D wait, T is stopped, Z has ended and was not asked for
---@field uid integer user that it runs as
---@field argv string[] its words; empty for a thread of the kernel

--- Lists the processes of this host that we may see, sorted by number. Only on
--- Linux.
---@return process.Info[]? processes nil if there is no /proc
---@return string? message why not
function process.list() end

--- Looks for a program in the agent's PATH, as `command -v` does.
---@param name string a name, or a path that is looked at as it is
---@return string? path nil if there is none
---@return string? message where it was looked for
function process.exists(name) end

--- Returns an environment variable of the agent.
---@param name string
---@param default? string what to return if it is not set
---@return string? value nil if it is not set and there is no default
function process.env(name, default) end

--- Returns the agent's environment. To change the table changes nothing else;
--- use the option `env`.
---@return table<string, string> environment
function process.environ() end

--- Returns the number of the agent's process.
---@return integer pid
function process.pid() end

return process
