channel:receive()
