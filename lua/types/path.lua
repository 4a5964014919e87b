---@meta path

--- Paths, as texts: but for `abs` and `expand` nothing here looks at the host.
---@class path
path = {}

--- Joins parts with slashes and cleans the result. Empty parts are left out.
---@param ... string parts
---@return string path
function path.join(...) end

--- Returns the last part: "passwd" of "/etc/passwd". Slashes at the end do not
--- count. Of an empty path it is ".".
---@param p string
---@return string base
function path.base(p) end

--- Returns all but the last part: "/etc" of "/etc/passwd", "." of "passwd".
---@param p string
---@return string dir
function path.dir(p) end

--- Splits a path into its directory and its last part, as `dir` and `base` do.
---@param p string
---@return string dir
---@return string base
function path.split(p) end

--- Returns the extension with its dot: ".gz" of "a.tar.gz". A name that only
--- begins with a dot has none.
---@param p string
---@return string ext empty if there is none
function path.ext(p) end

--- Returns the last part without its extension: "a.tar" of "/x/a.tar.gz".
---@param p string
---@return string stem
function path.stem(p) end

--- Returns the shortest path of the same meaning, without `.`, `..` and double
--- slashes as far as that goes. Symbolic links are not looked at.
---@param p string
---@return string path
function path.clean(p) end

--- Returns the path from the root, cleaned.
---@param p string a relative path starts at the working directory
---@return string? path nil if the working directory is not there any more
---@return string? message why not
function path.abs(p) end

--- Returns the way from one directory to a path: "../c" from "/a/b" to "/a/c".
---@param base string
---@param target string
---@return string? path nil if one of them is relative and the other is not
---@return string? message why not
function path.rel(base, target) end

--- Tells whether a path starts at the root.
---@param p string
---@return boolean absolute
function path.is_abs(p) end

--- Replaces `~` or `~user` at the beginning by a home directory, and `$VAR`
--- and `${VAR}` by environment variables. A variable that is not set is an
--- error: "$DIR/cache" must not become "/cache".
---@param p string
---@return string? path nil if there is no such user or variable
---@return string? message why not
function path.expand(p) end

--- Tells whether a path is of the form that a pattern describes, as a whole.
--- Patterns are those of `fs.glob`; a dot at the beginning of a name is like
--- any character here. A malformed pattern raises.
---@param pattern string
---@param p string
---@return boolean matches
function path.match(pattern, p) end

return path
