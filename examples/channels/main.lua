-- Sends channels over a channel: the fragment gets two and answers on them.
local gw = luagw.group():open("popen")
local ch = gw:remote_exec([[
  local both = channel:receive()
  both.first:send("hello")
  both.second:send("world")
]])
local first, second = gw:new_channel(), gw:new_channel()
ch:send({first = first, second = second})
print(first:receive())
print(second:receive())
ch:waitclose()
