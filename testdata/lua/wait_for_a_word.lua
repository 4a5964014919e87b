local word = channel:receive()
return word
