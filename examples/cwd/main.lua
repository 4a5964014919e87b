-- Compares working directories: a subprocess has its parent's, unless its spec
-- says otherwise.
local group = luagw.group()
for _, spec in ipairs({"popen", "popen//dir=/"}) do
  local there = group:open(spec):call("return fs.cwd()")
  print(spec .. ": the same directory: " .. tostring(there == fs.cwd()))
end
