-- Keeps several workers busy: each says when it is ready and gets the next
-- task, until there are none left.

-- worker says that it is ready, and then answers each task.
local worker = [[
  channel:send(null) -- ready
  for task in channel do
    local sum = 0
    for i = 1, task do sum = sum + i end
    channel:send({task = task, sum = sum})
  end
]]

local group = luagw.group()
group:open_all({"popen", "popen", "popen"})
local sums, next_task = {}, 1
for channel, item in group:remote_exec(worker):items() do
  if item then sums[item.task] = item.sum end
  if next_task > 10 then
    channel:close_write() -- this worker's loop ends, and with the last one ours
  else
    channel:send(next_task)
    next_task = next_task + 1
  end
end
print("[" .. table.concat(sums, " ") .. "]")
