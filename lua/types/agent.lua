---@meta agent

--- The agent that runs the fragment.
---
--- ```lua
--- local listener = assert(agent.listen())
--- channel:send(listener.spec) -- for group:open on the near side
--- channel:waitclose()         -- it listens as long as the fragment runs
--- ```
---@class agent
agent = {}

--- Options of `agent.listen`.
---@class agent.ListenOptions
---@field address? string where to listen, a loopback address and a port; "127.0.0.1:0" by default, where 0 is a port that is free
---@field path? string the path of a Unix socket instead, at which there must be nothing
---@field connections? integer for how many connections the token is good; 1 by default. With the last one it ends to listen

--- What `agent.listen` returns.
---@class agent.Listener
---@field spec string by which a gateway is opened from this host, or through this one with `//via=`
---@field close fun() ends listening; gateways that are open go on

--- Lets others open gateways to this host, as the user whom this agent runs as,
--- each to a copy of this agent, a process of its own. It listens until it is
--- closed or the fragment ends; the copies end with their connections, and with
--- this agent. Only this host can connect. At a TCP address one has to show the
--- token that is in the spec, for every user can connect there, and nothing is
--- encrypted. At a Unix socket this user and root are let in, as long as it
--- listens.
---@param options? agent.ListenOptions
---@return agent.Listener? listener nil if it cannot listen there
---@return string? message why not
function agent.listen(options) end

return agent
