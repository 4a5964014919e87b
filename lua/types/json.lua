---@meta json

--- JSON, as RFC 8259 has it: strict in what it reads and writes.
---@class json
json = {}

--- Options of `json.encode`.
---@class json.EncodeOptions
---@field indent? integer spaces for each level, at most 16; 0, the default, puts all on one line
---@field sort? boolean sorts the members of objects by name; true by default

--- Writes a value as JSON.
---
--- A table with the keys 1 to n is an array, an empty one too; `list` and
--- `map` mark what should be otherwise. All others are objects, whose keys are
--- strings only, or numbers only, which are written as strings. `nil` and
--- `null` are null.
---
--- What has no place in JSON raises, and the message names where it is, as in
--- `item.a[3].f: function`: functions, infinite numbers and NaN, strings that
--- are not UTF-8, lists with holes, keys of mixed types, tables that contain
--- themselves, and more than 128 levels.
---@param value any what to write
---@param options? json.EncodeOptions
---@return string text
function json.encode(value, options) end

--- Reads a JSON text.
---
--- null becomes `null`, in arrays too, so that they keep their length. Whole
--- numbers are exact: beyond 2^53 they become `int64` values, and only beyond
--- 2^64 the nearest number. Empty arrays and objects are marked, so that they
--- are written as they were read. Of members with the same name the last one
--- is taken.
---@param text string the whole text
---@return any value nil if the text is not JSON
---@return string? message what is wrong, with line and column
function json.decode(text) end

return json
