local kept = channel:new_channel()
channel:send(kept)
kept:send("one")
channel:new_channel()
return "gone"
