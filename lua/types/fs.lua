---@meta fs

--- Files and directories of this host.
---
--- Where the world is not as hoped, a function returns nil and a message, so
--- `assert(fs.write(...))` is the way to insist. Relative paths start at the
--- directory of the gateway, `fs.cwd()`.
---
--- Modes are strings of octal digits, as in "0644". A number is taken as it
--- is, which is right for the `mode` of `fs.stat`. Lua has no octal numbers:
--- 0644 is six hundred and forty-four. Numbers from 512 to 777 are refused, as
--- they come of nothing but that.
---@class fs
fs = {}

--- What is known of a file.
---@class fs.Stat
---@field name string last part of the path
---@field size integer in bytes
---@field mode integer permissions as a number, with setuid, setgid and sticky
---@field perm string the same in octal, as in "0644" or "1777"
---@field type "file"|"dir"|"symlink"|"fifo"|"socket"|"block"|"char"|"other"
---@field mtime number when the content changed last, in seconds since 1970, with a fraction
---@field uid integer? owner; this and what follows, but for target, is nil on Windows
---@field gid integer? group
---@field user string? name of the owner, nil if /etc/passwd has none
---@field group string? name of the group, nil if /etc/group has none
---@field nlink integer? number of names that the file has
---@field inode integer? number of the file on its device
---@field device integer? number of the device
---@field target string? where a symbolic link leads; only from `fs.lstat` and `fs.walk`

--- Options of `fs.read`.
---@class fs.ReadOptions
---@field max? integer bytes that the file may have at most; 1 GiB by default

--- Returns the content of a file. A file larger than `max` is an error and not
--- cut off. A pipe or a device is read to its end.
---@param path string
---@param options? fs.ReadOptions
---@return string? data any bytes; nil if it cannot be read
---@return string? message why not
function fs.read(path, options) end

--- Options of `fs.lines`.
---@class fs.LinesOptions
---@field max? integer bytes that a line may have at most; 64 MiB by default

--- Walks the lines of a file without loading it. Lines come without their end,
--- be it `\n` or `\r\n`. An error while reading, and a line longer than `max`,
--- raises.
---
--- ```lua
--- for line in assert(fs.lines("/etc/passwd")) do
---   print(line:match("^[^:]*"))
--- end
--- ```
---@param path string
---@param options? fs.LinesOptions
---@return (fun(): string?)? iterator nil if the file cannot be opened
---@return string? message why not
function fs.lines(path, options) end

--- Options of `fs.write`.
---@class fs.WriteOptions
---@field mode? string|integer permissions; those of the file that is there by default, or 0666 without the umask for a new one
---@field mkdir? boolean makes the directories on the way; false by default
---@field atomic? boolean puts a new file in the old one's place; true by default
---@field sync? boolean waits until the content is on the disk; false by default

--- Writes a file, so that at each moment others see the whole old content or
--- the whole new one, even if the power fails and `sync` is set.
---
--- A new file is written beside the old one, given its mode and, as far as we
--- may, its owner, and then its name. If anything fails the old file is as it
--- was, and nothing is left beside it. A symbolic link is followed: what it
--- leads to is written, and the link stays. Hard links, access lists and
--- extended attributes do not stay; with `atomic = false` the file itself is
--- overwritten and they do. A device or a pipe is always written to directly.
---
--- ```lua
--- assert(fs.write("/etc/motd", "Welcome\n", {mode = "0644"}))
--- ```
---@param path string
---@param data string any bytes
---@param options? fs.WriteOptions
---@return true? done nil if it cannot be written
---@return string? message why not
function fs.write(path, data, options) end

--- Options of `fs.append`.
---@class fs.AppendOptions
---@field mode? string|integer permissions
---@field mkdir? boolean makes the directories on the way; false by default
---@field sync? boolean waits until the content is on the disk; false by default

--- Adds to the end of a file, which is made if it is not there.
---@param path string
---@param data string any bytes
---@param options? fs.AppendOptions
---@return true? done nil if it cannot be written
---@return string? message why not
function fs.append(path, data, options) end

--- Options of `fs.copy`.
---@class fs.CopyOptions
---@field mode? string|integer permissions; those of the source by default
---@field mkdir? boolean makes the directories on the way; false by default
---@field sync? boolean waits until the content is on the disk; false by default

--- Copies the content and the mode of one file, with the care of `fs.write`.
--- Directories are not copied.
---@param source string
---@param target string path of the copy, not of a directory to put it in
---@param options? fs.CopyOptions
---@return true? done nil if it cannot be copied
---@return string? message why not
function fs.copy(source, target, options) end

--- Tells what is known of a file, or of what a symbolic link leads to.
---@param path string
---@return fs.Stat? stat nil if there is no such file
---@return string? message why there is none
function fs.stat(path) end

--- Tells what is known of a file. Of a symbolic link it is the link itself.
---@param path string
---@return fs.Stat? stat nil if there is no such file
---@return string? message why there is none
function fs.lstat(path) end

--- Tells whether there is something at a path. A symbolic link that leads
--- nowhere is nothing.
---@param path string
---@return boolean? exists nil if that cannot be found out, for a directory on the way is closed to us
---@return string? message why it cannot
function fs.exists(path) end

--- Lists the names in a directory, hidden ones too, sorted.
---@param path string
---@return string[]? names without the directory; nil if it cannot be read
---@return string? message why not
function fs.list(path) end

--- Options of `fs.walk`.
---@class fs.WalkOptions
---@field depth? integer how many levels below the path; 0 is the path alone, nil has no limit
---@field skip? string[] names, or patterns for names, neither reported nor entered, as in `{".git", "*.o"}`

--- Walks a directory and all below it: the path itself first, a directory
--- before what is in it, names sorted. Symbolic links are reported and not
--- followed.
---
--- Where a file's data cannot be had, or a directory not be read, the loop
--- gets the path, nil and a message: a loop which uses `stat` without a look
--- fails there, and no error is lost. What vanishes meanwhile is left out.
---
--- ```lua
--- for path, stat, err in fs.walk("/var/log", {skip = {"journal"}}) do
---   if err then log.warn(err) elseif stat.size > 1e9 then print(path) end
--- end
--- ```
---@param path string
---@param options? fs.WalkOptions
---@return fun(): string?, fs.Stat?, string? iterator gives path, stat and message
function fs.walk(path, options) end

--- Finds the paths that a pattern stands for. `*` and `?` and `[a-z]` stand
--- for parts of one name, `\` takes the meaning from the next character, and
--- a `**` between slashes stands for any number of directories. As in a shell
--- a dot at the beginning of a name must be in the pattern. `**` follows no
--- symbolic links. Directories that cannot be read count as empty. A malformed
--- pattern raises.
---@param pattern string as in `/etc/**/*.conf`
---@return string[] paths sorted; empty if there is none
function fs.glob(pattern) end

--- Options of `fs.mkdir`.
---@class fs.MkdirOptions
---@field parents? boolean makes the directories on the way too, and is content if the directory is there; false by default
---@field mode? string|integer permissions of the directory, if it is made; 0777 without the umask by default

--- Makes a directory.
---@param path string
---@param options? fs.MkdirOptions
---@return true? done nil if it cannot be made
---@return string? message why not
function fs.mkdir(path, options) end

--- Options of `fs.remove`.
---@class fs.RemoveOptions
---@field recursive? boolean removes directories with all that is in them; false by default

--- Removes a file, a symbolic link or an empty directory. Nothing at the path
--- is no error. Symbolic links are never followed. The empty path, the root
--- directory, the working directory and those above it, as `..`, raise.
---@param path string
---@param options? fs.RemoveOptions
---@return true? gone nil if something is left
---@return boolean|string existed whether there was anything; if something is left, the message that says why
function fs.remove(path, options) end

--- Gives a file or directory another path on the same file system. A file that
--- is there already is replaced.
---@param from string
---@param to string
---@return true? done nil if it cannot be done
---@return string? message why not
function fs.rename(from, to) end

--- Makes a symbolic link.
---@param target string where it leads; a relative path starts at the link's directory
---@param path string path of the link
---@return true? done nil if it cannot be made
---@return string? message why not
function fs.symlink(target, path) end

--- Tells where a symbolic link leads.
---@param path string
---@return string? target as it is written in the link; nil if there is no link
---@return string? message why there is none
function fs.readlink(path) end

--- Changes permissions. Besides octal digits the mode may be what chmod knows
--- as symbolic: `u+x`, `go-w`, `a=rX`, several with commas between. Without a
--- letter before the sign all are meant, whatever the umask is.
---@param path string symbolic links are followed
---@param mode string|integer
---@return true? done nil if it cannot be done
---@return string? message why not
function fs.chmod(path, mode) end

--- Options of `fs.chown`.
---@class fs.ChownOptions
---@field follow? boolean changes what a symbolic link leads to, not the link; true by default

--- Changes the owner and the group. Names are looked up in /etc/passwd and
--- /etc/group, and then by getent.
---@param path string
---@param user? string|integer name or id; nil leaves it
---@param group? string|integer name or id; nil leaves it
---@param options? fs.ChownOptions
---@return true? done nil if it cannot be done, or there is no such user or group
---@return string? message why not
function fs.chown(path, user, group, options) end

--- Options of `fs.touch`.
---@class fs.TouchOptions
---@field mtime? number time to set, in seconds since 1970; now by default
---@field mode? string|integer permissions to set

--- Sets the time of a file's last change, and makes an empty file if it is not
--- there.
---@param path string
---@param options? fs.TouchOptions
---@return true? done nil if it cannot be done
---@return string? message why not
function fs.touch(path, options) end

--- Options of `fs.temp` and `fs.temp_dir`.
---@class fs.TempOptions
---@field dir? string where; $TMPDIR or /tmp by default
---@field prefix? string beginning of the name; "luagw-" by default
---@field suffix? string end of the name; empty by default
---@field keep? boolean leaves it there when the fragment ends; false by default

--- Makes an empty file with a name of its own, which only its owner may read.
--- It is removed when the fragment ends, however it ends.
---@param options? fs.TempOptions
---@return string? path nil if it cannot be made
---@return string? message why not
function fs.temp(options) end

--- Makes an empty directory with a name of its own, which only its owner may
--- enter. It is removed with all that is in it when the fragment ends.
---@param options? fs.TempOptions
---@return string? path nil if it cannot be made
---@return string? message why not
function fs.temp_dir(options) end

--- Returns the working directory. All fragments of a gateway share it, so
--- there is no way to change it.
---@return string? path nil if it is not there any more
---@return string? message why there is none
function fs.cwd() end

return fs
