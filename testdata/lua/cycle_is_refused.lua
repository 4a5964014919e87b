local t = {}
t.t = t
channel:send(t)
