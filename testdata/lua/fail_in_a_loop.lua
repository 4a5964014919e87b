local c = ...
for item in c do
  if item == "bad" then error("cannot take " .. item, 0) end
end
