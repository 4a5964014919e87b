-- Keeps a state on the far side and sends it pieces of code to evaluate.

-- loop evaluates each item as an expression. What it assigns stays.
local loop = [[
  for source in channel do
    local f, why = loadstring("return " .. source)
    if not f then f, why = loadstring(source) end
    if f then
      channel:send({pcall(f)})
    else
      channel:send({false, why})
    end
  end
]]

local gw = luagw.group():open("popen")
local ch = gw:remote_exec(loop)
for _, source in ipairs({"6 * 7", "n = 10", "n + 1", "nosuch.field", "return return"}) do
  ch:send(source)
  local answer = ch:receive()
  for i, v in ipairs(answer) do answer[i] = tostring(v) end
  print(source .. " -> [" .. table.concat(answer, " ") .. "]")
end
ch:close_write()
ch:waitclose()
