-- Fetches files from a host behind ssh, on which nothing is installed:
--
--   luagw run main.lua ssh:web1
--
-- Without an argument it shows the same on this machine.
local gw = luagw.group():open(... or "popen")
local names = gw:remote_exec("for _, name in ipairs(fs.glob(...)) do channel:send(name) end", "/etc/*.conf")
local contents = gw:remote_exec("for name in channel do channel:send(fs.read(name) or '') end")
local files, size = 0, 0
for name in names do
  contents:send(name)
  local text = contents:receive()
  files, size = files + 1, size + #text
end
contents:close_write() -- the fragment's loop ends
contents:waitclose()
print(("configuration files: %d with %d bytes"):format(files, size))
