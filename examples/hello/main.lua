-- Runs a fragment of Lua in two processes and exchanges items with it.
local fragment = [[
  local greeting = ...
  for name in channel do -- until the near side closes its direction
    channel:send(greeting .. ", " .. name)
  end
  return host.os
]]

local group = luagw.group()
group:open_all({"popen//id=a", "popen//id=b//nice=5//env:LANG=C"})
local channels = group:remote_exec(fragment, "hello")
for _, ch in ipairs(channels:channels()) do
  ch:send(ch:gateway().id)
  ch:close_write()
end
local answers = channels:receive_each()
local results = channels:results() -- what the fragments returned
print(("[%s] [[%s] [%s]]"):format(table.concat(answers, " "), results[1][1], results[2][1]))
