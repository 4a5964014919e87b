channel:send("before")
os.exit(0)
