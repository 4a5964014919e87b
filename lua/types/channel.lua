---@meta _

--- A two-way stream of items. Items are kept until they are received. To walk
--- a channel, `for item in channel do ... end`, ends when the peer has closed
--- its side; a nil item raises there, so that none is lost in silence.
---@class Channel
---@overload fun(): any
local Channel = {}

--- The fragment's channel to who started it.
---@type Channel
channel = nil

--- Sends an item. It waits while the peer has too much that it did not
--- receive yet, and returns before the peer has received this one.
--- What cannot travel raises and names the place, as in
--- `item.hosts[3].f: function`; then nothing was sent.
---@param item any nil, boolean, number, string, table, null, int64 or channel
function Channel:send(item) end

--- Waits for the next item.
---
--- If the peer closed its side with an error, that error is raised once all
--- items before it are received.
---@param seconds? number how long to wait at most; 0 does not wait, nil waits without a limit
---@return any item nil if there is none
---@return string? reason why there is none: "timeout", or "closed" if the peer is done; nil if there is an item
function Channel:receive(seconds) end

--- Walks the items with their index from 1, so that a nil item does not end
--- the loop: `for i, item in channel:items() do ... end`.
---@return fun(): integer?, any iterator
function Channel:items() end

--- Closes both sides. Nothing can be sent or received any more. The peer gets
--- the items sent before, and then the end or the error. A fragment may go on
--- behind it: the error of its own channel is sent when it ends, in the place of
--- what it returns.
---@param err? any what went wrong, in most cases a string; the peer's `receive` raises it
function Channel:close(err) end

--- Closes this side for sending: the peer's loop over the channel ends.
--- Receiving goes on.
function Channel:close_write() end

--- Tells whether the peer is done, or the channel was closed here. Items that
--- came before may still be received.
---@return boolean closed
function Channel:isclosed() end

--- Waits until the peer is done. Items that come meanwhile are kept. An error
--- of the peer raises.
---@param seconds? number how long to wait at most; nil waits without a limit
---@return boolean? done true when the peer is done
---@return string? reason "timeout" if it is not
function Channel:waitclose(seconds) end

--- Makes a channel over the same connection. It leads somewhere once it is
--- sent to the peer, as an item or within one: what is then sent on it
--- arrives at the channel that the peer has received.
---@return Channel channel
function Channel:new_channel() end
