-- Runs one fragment on several gateways and takes what they send as it comes.
-- One of them fails, which does not keep the others from finishing.
local group = luagw.group()
group:open_all({"popen//id=a", "popen//id=b//env:BROKEN=yes", "popen//id=c"})
local channels = group:remote_exec([[
  for i = 1, 3 do channel:send(i) end
  if process.env("BROKEN") then error("out of order") end
]])
local count = {}
local ok, err = pcall(function()
  for channel in channels:items() do
    local id = channel:gateway().id
    count[id] = (count[id] or 0) + 1
  end
end)
if not ok then print((err:gsub("^.*multichannel:items: ", ""))) end
print(("map[a:%d b:%d c:%d]"):format(count.a, count.b, count.c))
