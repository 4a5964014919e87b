-- In the background, in a session of its own, and as an orphan.
for _, line in ipairs {
  "sleep 300 >/dev/null 2>&1 & echo $!",
  "setsid sh -c 'echo $$; exec sleep 300 >/dev/null 2>&1' &",
  "(sleep 300 >/dev/null 2>&1 & echo $!)",
} do
  local p = assert(io.popen(line))
  channel:send(p:read("*l"))
end
channel:receive()
