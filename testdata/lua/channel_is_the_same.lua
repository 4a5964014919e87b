local c = channel:receive()
c:send(c)
channel:send(c == channel:receive() and channel ~= c)
