---@meta luagw

--- Opens gateways from Lua: for scripts on the near side, which `luagw run`
--- runs, and for the REPL. Fragments on the far side do not have it. What
--- cannot be done raises, with the id of the gateway that it concerns.
---@class luagw
local luagw = {}

--- Makes a group without gateways. It is closed when the script ends.
---@return Group group
function luagw.group() end

--- Gathers channels, also of different fragments, to be used as one.
---@param channels Channel[] in the order in which results and received items are to be
---@return MultiChannel channels
function luagw.multichannel(channels) end

--- Gateways that are opened, used and closed together.
---@class Group
local Group = {}

--- Opens a gateway. It raises if that cannot be done.
---@param spec? string where to, as in `ssh:web1` or `popen//id=a`; `popen` if nil
---@return Gateway gateway
function Group:open(spec) end

--- Opens gateways at the same time. It raises if one of them could not be
--- opened; the others stay open, and `gateways` lists them.
---@param specs string[] where to
---@return Gateway[] gateways in the order of the specs
function Group:open_all(specs) end

--- Finds an open gateway.
---@param id string its name within the group
---@return Gateway? gateway nil if none of that name is open
function Group:gateway(id) end

--- Lists the gateways that are open.
---@return Gateway[] gateways in the order they were opened
function Group:gateways() end

--- Starts a fragment on each gateway of the group and returns at once.
---@param source string the fragment
---@param ... any its arguments, the same for each
---@return MultiChannel channels one of each gateway, in the order they were opened
function Group:remote_exec(source, ...) end

--- Ends all gateways in good order: fragments see the end of their input and
--- may finish. It raises if one had to be killed.
---@param seconds? number how long that may take; 10 if nil
function Group:shutdown(seconds) end

--- Closes all gateways. What still runs on them is ended.
function Group:close() end

--- A connection to an agent, which runs fragments.
---@class Gateway
---@field id string its name within the group
---@field info GatewayInfo what the agent said when it was opened
local Gateway = {}

--- What an agent says of itself when it is opened.
---@class GatewayInfo
---@field os string operating system, as Go names it: linux, darwin ...
---@field arch string processor, as Go names it: amd64, arm64 ...
---@field hostname string name of the host
---@field user string user that the agent runs as, by its environment; a number where that has none. `host.user` asks the system
---@field dir string working directory
---@field version string version of luagw
---@field pid integer process id of the agent

--- What an agent is doing.
---@class GatewayStatus
---@field executing integer fragments that run or wait for their turn
---@field channels integer open channels, the fragments' own included
---@field unread integer bytes that fragments have not received yet
---@field memory integer bytes of heap in use
---@field routines integer goroutines of the agent

--- Starts a fragment and returns at once.
---@param source string the fragment
---@param ... any its arguments
---@return Channel channel
function Gateway:remote_exec(source, ...) end

--- Starts a fragment from a file on this side and returns at once. Errors in it
--- bear the name of the file.
---@param path string file with the fragment
---@param ... any its arguments
---@return Channel channel
function Gateway:remote_exec_file(path, ...) end

--- Runs a fragment and waits for it. An error in it raises here.
---@param source string the fragment
---@param ... any its arguments
---@return any ... what the fragment returned
function Gateway:call(source, ...) end

--- Makes a channel to be sent to a fragment, as an argument or an item: what is
--- sent on it arrives at the channel that the fragment has received.
---@return Channel channel
function Gateway:new_channel() end

--- Asks the agent what it is doing. It answers also while fragments are busy.
---@return GatewayStatus status
function Gateway:status() end

--- Ends the gateway in good order: fragments see the end of their input and may
--- finish. It raises if it had to be killed.
---@param seconds? number how long that may take; 10 if nil
function Gateway:shutdown(seconds) end

--- Closes the gateway. What still runs on it is ended.
function Gateway:close() end

--- What channels have on the near side beside all that they have on the far
--- side.
---@class Channel
local Channel = {}

--- Waits for a fragment that `remote_exec` started. Items that it sends are
--- kept. An error in it raises.
---@return any ... what the fragment returned
function Channel:results() end

--- Tells where the channel leads.
---@return Gateway gateway
function Channel:gateway() end

--- Channels of several gateways.
---@class MultiChannel
local MultiChannel = {}

--- Lists the channels.
---@return Channel[] channels in their order
function MultiChannel:channels() end

--- Sends an item on each channel.
---@param item any what to send; it cannot hold a channel, which belongs to one gateway
function MultiChannel:send_each(item) end

--- Receives one item from each channel. Errors of the peers raise.
---@param seconds? number how long to wait at most; nil waits without a limit
---@return any[]? items in the order of the channels, with `null` where none came; nil if none came at all
---@return string? reason why items are missing: "closed" if a channel has no more, or "timeout"; nil if none are missing
function MultiChannel:receive_each(seconds) end

--- Walks the items of all channels as they come:
--- `for channel, item in channels:items() do ... end`. Where one fails, the
--- items of the others are walked first; then the loop raises.
---@return fun(): Channel?, any iterator
function MultiChannel:items() end

--- Waits until all fragments are done. Their errors raise, joined, each with
--- the id of its gateway.
function MultiChannel:wait() end

--- Waits as `wait` does and gives what each fragment returned.
---@return any[][] results a list of each fragment, in the order of the channels
function MultiChannel:results() end

--- Closes all channels, which ends their fragments.
function MultiChannel:close() end

return luagw
