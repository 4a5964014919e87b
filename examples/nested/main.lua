-- Has a fragment in one gateway listen, and opens a second gateway that connects
-- to it: with what the fragment tells, anybody on that host who has the token can.
local group = luagw.group()
local outer = group:open("popen//id=outer")
local ch = outer:remote_exec([[
  local listener = assert(agent.listen())
  channel:send(listener.spec)
  channel:waitclose() -- it listens as long as this runs
]])
local inner = group:open(ch:receive() .. "//id=inner")
local result = inner:call("return 6 * ...", 7)
print(("%s [%d] %s"):format(inner.id, result, tostring(inner.info.pid ~= outer.info.pid)))
