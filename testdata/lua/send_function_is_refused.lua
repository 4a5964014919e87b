local ok, err = pcall(channel.send, channel, {list = {1, 2, print}})
channel:send(ok)
channel:send((err:gsub("^.-: ", "", 1)))
channel:send({list = {1, 2, print}})
