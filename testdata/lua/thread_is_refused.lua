channel:send({co = coroutine.create(function() end)})
