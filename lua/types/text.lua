---@meta text

--- What Lua's `string` leaves to be wished for. All but `template` takes texts
--- as they are: there are no patterns here. Texts may be any bytes; where
--- characters count, as in `pad`, they are taken to be UTF-8.
---@class text
text = {}

--- Options of `text.split`.
---@class text.SplitOptions
---@field max? integer number of parts at most, the last of which is all the rest; no limit by default
---@field trim? boolean takes white space off both ends of each part; false by default

--- Splits a text at each place where a separator stands. Between two
--- separators side by side is an empty part. Without a separator it splits at
--- runs of white space, and no part is empty.
---
--- ```lua
--- text.split("a,b,,c", ",")                --> {"a", "b", "", "c"}
--- text.split("k=v=w", "=", {max = 2})      --> {"k", "v=w"}
--- text.split("  one  two ")                --> {"one", "two"}
--- ```
---@param s string
---@param separator? string white space if nil
---@param options? text.SplitOptions
---@return string[] parts
function text.split(s, separator, options) end

--- Splits a text into lines, without their ends. An end of the last line
--- begins no other one, so "a\n" is one line and "" is none.
---@param s string
---@return string[] lines
function text.lines(s) end

--- Joins the items of a list, as `tostring` renders them. There is no limit on
--- their number.
---@param list any[]
---@param separator? string empty by default
---@return string s
function text.join(list, separator) end

--- Takes white space off both ends.
---@param s string
---@param characters? string what to take off instead, each of these
---@return string s
function text.trim(s, characters) end

--- Takes white space off the beginning.
---@param s string
---@param characters? string what to take off instead, each of these
---@return string s
function text.ltrim(s, characters) end

--- Takes white space off the end.
---@param s string
---@param characters? string what to take off instead, each of these
---@return string s
function text.rtrim(s, characters) end

--- Tells whether a text begins with another one.
---@param s string
---@param prefix string
---@return boolean yes
function text.starts_with(s, prefix) end

--- Tells whether a text ends with another one.
---@param s string
---@param suffix string
---@return boolean yes
function text.ends_with(s, suffix) end

--- Tells whether another text stands within a text.
---@param s string
---@param part string
---@return boolean yes
function text.contains(s, part) end

--- Options of `text.replace`.
---@class text.ReplaceOptions
---@field max? integer how often at most, from the beginning; no limit by default

--- Replaces each place where a text stands by another one. Neither is a
--- pattern. A result of more than 1 GiB raises.
---@param s string
---@param old string not empty
---@param new string
---@param options? text.ReplaceOptions
---@return string s
---@return integer count how many were replaced
function text.replace(s, old, new, options) end

--- Puts something before each line that is not blank.
---@param s string
---@param prefix? string|integer a text, or a number of spaces; 4 by default
---@return string s
function text.indent(s, prefix) end

--- Takes off the white space that all lines begin with; blank lines do not
--- count. So a text in `[[ ]]` can be indented as the code around it is.
---@param s string
---@return string s
function text.dedent(s) end

--- Options of `text.pad`.
---@class text.PadOptions
---@field align? "left"|"right"|"center" where the text goes; "left" by default
---@field fill? string the character to fill up with; a space by default

--- Fills a text up to a width. A longer one stays as it is.
---@param s string
---@param width integer in characters
---@param options? text.PadOptions
---@return string s
function text.pad(s, width, options) end

--- Breaks lines between words, so that they are no longer than a width. A
--- longer word gets a line of its own. Line ends that are there stay; runs of
--- white space become one space.
---@param s string
---@param width? integer in characters; 80 by default
---@return string s
function text.wrap(s, width) end

--- Writes a word so that a POSIX shell reads it as that one word; of a list
--- all words, with spaces between. A zero byte raises.
---
--- ```lua
--- process.shell("grep -c " .. text.shell_quote(pattern) .. " /var/log/*.log")
--- ```
---@param word string|number|(string|number)[]
---@return string quoted
function text.shell_quote(word) end

--- Options of `text.template`.
---@class text.TemplateOptions
---@field missing? "error"|"empty" what a name without a value does: raise, which is the default, or write nothing
---@field name? string what errors call the template; "template" by default

--- Fills in a template. `{{ }}` writes the value of an expression, `{% %}` is
--- Lua code. A line with nothing but code leaves no trace in the text. There
--- are no other marks: a comment is `{% -- so %}`, two braces are written by
--- `{{ "{{" }}`.
---
--- ```lua
--- text.template([[
--- server {
---   listen {{ port }};
---   {% for _, host in ipairs(hosts) do %}
---   server_name {{ host }};
---   {% end %}
--- }
--- ]], {port = 80, hosts = {"a.example", "b.example"}})
--- ```
---
--- The code sees the variables, and `ipairs`, `math`, `next`, `pairs`,
--- `select`, `string`, `table`, `tonumber`, `tostring` and `type`, but no other
--- globals. A name without a value raises, with the line of the template; so
--- does nil or `null` as the value of an expression. What may be missing is
--- asked for as `vars.name`: `{{ vars.color or "red" }}`. What the code
--- assigns stays in the template.
---@param source string
---@param vars? table<string, any> the variables
---@param options? text.TemplateOptions
---@return string s
function text.template(source, vars, options) end

return text
