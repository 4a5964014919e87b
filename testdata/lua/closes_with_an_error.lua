channel:send("before")
channel:close("bad news")
print("goes on")
return "not seen"
