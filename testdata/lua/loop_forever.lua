channel:send("looping")
while true do end
