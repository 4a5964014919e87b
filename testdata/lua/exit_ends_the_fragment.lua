channel:send("before")
os.exit(3)
