channel:send(leftover == nil and string.leftover == nil)
leftover = 1
string.leftover = 1
