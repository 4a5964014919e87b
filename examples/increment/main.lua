-- Sends a number to a subprocess, which sends back the next one.
local gw = luagw.group():open("popen")
local ch = gw:remote_exec("channel:send(channel:receive() + 1)")
ch:send(10)
print(ch:receive())
