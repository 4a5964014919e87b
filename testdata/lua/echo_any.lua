for _, item in channel:items() do channel:send(item) end
