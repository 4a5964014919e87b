channel:close()
channel:send("late")
