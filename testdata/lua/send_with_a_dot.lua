channel.send("x")
