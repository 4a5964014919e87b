-- Asks a subprocess for its process id, in three ways.
local gw = luagw.group():open("popen")

local sent = gw:remote_exec("channel:send(process.pid())"):receive() -- on the channel,
local result = gw:call("return process.pid()")                       -- as a result,
local told = gw.info.pid                                             -- and from the hello, without asking

print("another process: " .. tostring(told ~= process.pid()))
print("always the same: " .. tostring(sent == told and result == told))
