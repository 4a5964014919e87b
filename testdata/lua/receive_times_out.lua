local item, err = channel:receive(0.01)
channel:send({item or null, err})
channel:send((pcall(channel.receive, channel, -1)))
