local function here() return debug.traceback("now") end
channel:send(here():match("traceback_has_the_name.lua:1") ~= nil)
