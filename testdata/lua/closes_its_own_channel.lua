channel:send("before")
channel:close()
channel:close()
return "still here"
