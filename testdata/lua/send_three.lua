for i = 1, 3 do channel:send(i) end
