---@meta log

--- Lines of `key=value` pairs which go where `print` goes, as in
--- `level=info msg="disk is full" path=/srv used=0.97`.
---@class log
log = {}

--- The levels, in the order of their weight.
---@alias log.Level "debug"|"info"|"warn"|"error"

--- Logs what only who looks for a fault wants to see.
---@param message any what to say, as `tostring` renders it
---@param fields? table<string, any> what belongs to it, written in the order of the names; tables as JSON
function log.debug(message, fields) end

--- Logs what is as it should be.
---@param message any what to say, as `tostring` renders it
---@param fields? table<string, any> what belongs to it
function log.info(message, fields) end

--- Logs what somebody should look at.
---@param message any what to say, as `tostring` renders it
---@param fields? table<string, any> what belongs to it
function log.warn(message, fields) end

--- Logs what went wrong. It raises nothing.
---@param message any what to say, as `tostring` renders it
---@param fields? table<string, any> what belongs to it
function log.error(message, fields) end

--- Sets below which level nothing is written, for this fragment. It is "info"
--- at first.
---@param level? log.Level the level from now on; nil leaves it
---@return log.Level before the level that held until now
function log.level(level) end

return log
