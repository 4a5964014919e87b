-- Reports on the host that it runs on.
local memory = host.memory
channel:send({
  pid = process.pid(),
  host = host.hostname,
  system = host.os .. "/" .. host.arch,
  cpus = host.cpus,
  memory = memory and memory.total / 2^30 or 0,
  greeting = process.env("GREETING", "-"),
  dir = fs.cwd(),
})
