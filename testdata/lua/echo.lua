for item in channel do channel:send(item) end
