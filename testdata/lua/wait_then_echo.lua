-- Waits until the other side's window is full, which shows as no new items.
sleep(0.05)
for item in channel do channel:send(item) end
