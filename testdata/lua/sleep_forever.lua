channel:send("sleeping")
sleep(1/0)
