channel:send(channel ~= nil)
channel:send(tostring(channel):match("^channel %(open%)") ~= nil)
channel:send(channel:isclosed())
