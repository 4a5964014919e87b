local piece = ("x"):rep(64 * 1024)
local pieces = ...
for i = 1, pieces do channel:send(piece) end
return pieces
