---@meta time

--- Times, as seconds since 1970 with a fraction, and durations in seconds.
---
--- Layouts are those of strftime: `%Y %m %d %H %M %S`, `%y %e %I %p %j`,
--- `%a %A %b %B`, `%u %w %G %V`, `%z %Z %s`, `%L` milliseconds, `%f`
--- microseconds, `%%`, and the shorthands `%F %T %R %D %c %x %X %h %n %t`.
--- Names are English.
---@class time
time = {}

--- Options of the functions that have to do with a time zone.
---@class time.ZoneOptions
---@field utc? boolean takes UTC instead of the host's zone; false by default

--- The parts of a time, as of `os.date("*t")` and a few more.
---@class time.Date
---@field year integer
---@field month integer from 1
---@field day integer from 1
---@field hour integer
---@field min integer
---@field sec integer
---@field nsec integer nanoseconds
---@field wday integer day of the week, Sunday is 1
---@field yday integer day of the year, from 1
---@field isdst boolean whether it is daylight saving time
---@field zone string abbreviation of the zone
---@field offset integer seconds east of UTC

--- Returns the time.
---@return number seconds since 1970
function time.now() end

--- Returns a time which never jumps, to measure how long something takes.
---@return number seconds since some moment in the past
function time.monotonic() end

--- Waits, as the global `sleep` does.
---@param seconds number how long
function time.sleep(seconds) end

--- Writes a time as text.
---@param t number the time, within the years 0 to 9999
---@param layout? string how to write it; "rfc3339", the default, is as in `2006-01-02T15:04:05.25Z`
---@param options? time.ZoneOptions
---@return string text
function time.format(t, layout, options) end

--- Reads a time. What the text does not say is as at the start of 1970.
---@param text string what to read
---@param layout? string how it is written; "rfc3339" by default. Of the conversions `%j %u %w %G %V` cannot be read, and of the names of zones only UTC and GMT
---@param options? time.ZoneOptions the zone of a text which names none
---@return number? t nil if the text does not fit the layout
---@return string? message why it does not fit
function time.parse(text, layout, options) end

--- Splits a time in its parts.
---@param t? number the time; now if nil
---@param options? time.ZoneOptions
---@return time.Date date
function time.date(t, options) end

--- Makes a time of its parts: of `year`, `month` and `day`, and if given
--- `hour` (12 if not), `min`, `sec` and `nsec`. Parts out of their range are
--- carried over: day 32 is in the next month.
---@param date table the parts
---@param options? time.ZoneOptions
---@return number t
function time.timestamp(date, options) end

--- Reads a duration, as in `1h30m`, `1.5s`, `-2d` or a bare number of seconds.
--- The units are ns, us, ms, s, m, h, d (24 hours) and w.
---@param text string what to read
---@return number? seconds nil if it is no duration
---@return string? message why it is none
function time.parse_duration(text) end

--- Writes a duration as `time.parse_duration` reads it, as in `1d2h`,
--- `1m30.5s` or `250ms`.
---@param seconds number the duration
---@return string text
function time.format_duration(seconds) end

return time
