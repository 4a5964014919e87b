local item = channel:receive()
item.pair[1]:send("to the first")
item.pair[2].c:send(item.pair[1]:receive())
channel:receive()
