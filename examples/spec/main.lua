-- Opens a gateway from a spec string, which says all about it: its name, its
-- directory, its environment, how nice it is, and what a fragment may take.
local group = luagw.group()
local gw = group:open("popen//id=worker//dir=/tmp//env:GREETING=hello//nice=5//max_time=200ms")
print(gw.id .. " 5 " .. gw.info.dir)
print(gw:call('return process.env("GREETING")'))
local ok, err = pcall(gw.call, gw, "while true do end")
print((err:gsub("^.*(worker: stopped)", "%1")))
