assert(channel:receive() == "not yet")
sleep(0.01)
local c, sum = channel:receive(), 0
assert(channel:receive() == "now")
for n in c do sum = sum + n end
return sum
