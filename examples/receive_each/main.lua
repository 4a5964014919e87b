-- Sends a number to several gateways at a time and sums what comes back from
-- each.
local group = luagw.group()
group:open_all({"popen", "popen", "popen"})
local channels = group:remote_exec([[
  local n = channel:receive()
  channel:send(n)
  channel:send(n * n)
]])
channels:send_each(7)
for _ = 1, 2 do
  local items = channels:receive_each()
  local sum = 0
  for _, item in ipairs(items) do sum = sum + item end
  print(("[%s] %d"):format(table.concat(items, " "), sum))
end
channels:wait()
