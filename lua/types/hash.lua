---@meta hash

--- Hashes, and the writing of bytes as text. Hashes are in hexadecimal.
---@class hash
hash = {}

--- The names of the hashes. Against somebody who wants two texts to have the
--- same hash only sha256 and sha512 are of use.
---@alias hash.Algorithm "crc32"|"md5"|"sha1"|"sha256"|"sha512"

--- Options of `hash.base64_encode` and `hash.base64_decode`.
---@class hash.Base64Options
---@field url? boolean takes `-` and `_` instead of `+` and `/`; false by default
---@field padding? boolean has `=` at the end; true by default

--- Returns the SHA-256 of a string.
---@param s string any bytes
---@return string hex
function hash.sha256(s) end

--- Returns the SHA-512 of a string.
---@param s string any bytes
---@return string hex
function hash.sha512(s) end

--- Returns the SHA-1 of a string.
---@param s string any bytes
---@return string hex
function hash.sha1(s) end

--- Returns the MD5 of a string.
---@param s string any bytes
---@return string hex
function hash.md5(s) end

--- Returns the CRC-32 of a string, the one of zip and gzip.
---@param s string any bytes
---@return string hex
function hash.crc32(s) end

--- Returns the HMAC of a string: a hash which only who has the key can make.
---@param algorithm hash.Algorithm any but crc32
---@param key string any bytes
---@param s string any bytes
---@return string hex
function hash.hmac(algorithm, key, s) end

--- Hashes a file, whatever its size. It ends with an error when the fragment is
--- cancelled.
---@param path string the file, which must be one: a pipe is refused
---@param algorithm? hash.Algorithm "sha256" by default
---@return string? hex nil if the file could not be read
---@return string? message why it could not be read
function hash.file(path, algorithm) end

--- Starts a hash of what comes bit by bit.
---@param algorithm? hash.Algorithm "sha256" by default
---@return hasher h
function hash.new(algorithm) end

--- A hash of what comes bit by bit.
---@class hasher
local Hasher = {}

--- Adds a string.
---@param s string any bytes
---@return hasher h the same one, for chains
function Hasher:update(s) end

--- Returns the hash of what was added so far. More may be added after.
---@return string hex
function Hasher:hex() end

--- Writes bytes in hexadecimal.
---@param s string any bytes
---@return string hex
function hash.hex_encode(s) end

--- Reads bytes in hexadecimal.
---@param hex string digits, in either case
---@return string? s nil if that is not hexadecimal
---@return string? message why not
function hash.hex_decode(hex) end

--- Writes bytes in base64.
---@param s string any bytes
---@param options? hash.Base64Options
---@return string text
function hash.base64_encode(s, options) end

--- Reads bytes in base64. Line breaks are skipped.
---@param text string what to read
---@param options? hash.Base64Options
---@return string? s nil if that is not base64
---@return string? message why not
function hash.base64_decode(text, options) end

return hash
