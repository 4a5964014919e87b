-- Fetches the contents of files: the fragment is a server which gets names on
-- its channel and answers each.
local gw = luagw.group():open("popen")
local ch = gw:remote_exec([[
  for name in channel do
    local text, why = fs.read(name)
    channel:send({name = name, text = text, why = why})
  end
]])
for _, name in ipairs({"/etc/passwd", "/etc/group", "/nosuch"}) do
  ch:send(name)
  local file = ch:receive()
  print(("%s: %s %s"):format(file.name, tostring(file.text ~= nil), file.why or ""))
end
ch:close_write() -- the fragment's loop ends
ch:waitclose()
