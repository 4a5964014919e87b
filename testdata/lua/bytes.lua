channel:send("12")
channel:send("3\n")
channel:send("4")
channel:send("5")
