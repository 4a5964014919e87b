local function inner()
  error("oops")
end

local function outer()
  inner()
end
outer()
