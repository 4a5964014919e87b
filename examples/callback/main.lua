-- Does something with each item as it comes. Where other libraries take a
-- callback and an end marker, luagw has a loop which ends.
local gw = luagw.group():open("popen")
local ch = gw:remote_exec("for i = 0, 9 do channel:send(i) end")
local items = {}
for item in ch do items[#items + 1] = item end
print("[" .. table.concat(items, " ") .. "]")
