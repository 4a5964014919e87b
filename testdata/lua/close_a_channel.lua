local c, reason = ...
c:send("last words")
c:close(reason)
channel:receive()
