channel:send(io.read("*a"))
channel:send(os.execute("cat"))
