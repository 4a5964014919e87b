---@meta _

--- What is there beside Lua's own globals. The modules are globals too, opened
--- when they are first touched.

--- Writes its arguments, as `tostring` renders them and with tabs between, as
--- one line to the near side: to `Group.Print` of a Go program, or the
--- terminal of the command, with the name of the gateway before it. It never
--- gets into the results.
---@param ... any what to write
function print(...) end

--- A value which stands for nothing where `nil` cannot: in tables. It is one
--- value, so `x == null` tells it; it counts as true in a condition. JSON's
--- null, and a nil within a list or map that was received, are this.
---@type null
null = nil

--- Loads a module once and returns what it returned. A built-in module needs
--- no file. Any other, `a.b`, is the near side's `a/b.lua`: its source
--- travels here when it is first needed.
---@param name string the module's name, with dots for folders
---@return any module
function require(name) end

--- Waits. It ends with an error when the fragment is cancelled.
---@param seconds number how long, with a fraction if need be; `1/0` waits until the fragment is cancelled
function sleep(seconds) end

--- Makes a whole number which is exact from -2^63 to 2^64-1, where a plain
--- number is exact only to 2^53.
---
--- `+ - * / %` take such numbers and plain whole ones, in any mix; `/` rounds
--- down. What does not fit raises, and so does a fraction. `< <= ==` compare
--- two of them; to compare with a plain number use `compare`, as in Lua values
--- of different types are never equal. As keys of a table two equal ones are
--- different keys: use `tostring(n)`.
---@param value number|string|int64 a number without a fraction, or digits: decimal, or hexadecimal after `0x`
---@return int64 n
function int64(value) end

--- A whole number beyond what a plain number can hold exactly.
---@class int64
---@operator add(int64|number): int64
---@operator sub(int64|number): int64
---@operator mul(int64|number): int64
---@operator div(int64|number): int64
---@operator mod(int64|number): int64
---@operator unm: int64
---@operator concat(any): string
local Int64 = {}

--- Compares with another whole number.
---@param other int64|number the number to compare with
---@return integer order -1 if this one is less than `other`, 0 if they are equal, 1 if it is more
function Int64:compare(other) end

--- Returns the nearest plain number.
---@return number n
function Int64:number() end

--- Returns 16 hexadecimal digits, of a negative number its two's complement.
---@return string digits
function Int64:hex() end

--- Marks a table as a list, for JSON and for sending. That is of use for one
--- with holes, which become null, and to undo `map`. All other tables show by
--- their keys what they are, and an empty one is a list.
---@param t? table the table to mark, which must have no other keys than positive whole numbers, and no metatable; a new one if nil
---@return table t the same table
function list(t) end

--- Marks a table as a map, for JSON and for sending. An empty table without a
--- mark is a list.
---@param t? table the table to mark, which must have no metatable; a new one if nil
---@return table t the same table
function map(t) end
