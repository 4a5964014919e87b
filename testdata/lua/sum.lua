local sum = 0
for n in channel do sum = sum + n end
return sum
