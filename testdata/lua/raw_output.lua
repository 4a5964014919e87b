local f = assert(io.open("/proc/self/fd/1", "w"))
f:write("rubbish on fd 1\n")
f:close()
channel:send("after")
