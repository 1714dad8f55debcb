#!lua flags=allow-oom
--[[ log/delivery-tidy — removes the stream's consumers, other than one, that have nothing pending:
those of members that are gone. One that has something pending stays, for the entries would be
forgotten with it.

KEYS    log delivery
ARGV    group member epoch kept (a consumer; empty: none)
REPLY   tidied consumers
REFUSED fenced | unclaimed ]]
--- @include "delivery"
local held = readDelivery(redis.call('HGET', KEYS.delivery, 'g/' .. ARGV.group))
local whose = ownership(held, tonumber(ARGV.epoch), ARGV.member)
if whose ~= 'mine' then return { whose } end
if not deliveredUpTo(KEYS.log, ARGV.group) then return { 'unclaimed' } end
local idle = {}
for _, info in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS.log, ARGV.group)) do
  local name, pending
  for at = 1, #info, 2 do
    if info[at] == 'name' then name = info[at + 1] end
    if info[at] == 'pending' then pending = info[at + 1] end
  end
  if pending == 0 and name ~= ARGV.kept then idle[#idle + 1] = name end
end

-- ── writes ──
for _, name in ipairs(idle) do
  redis.call('XGROUP', 'DELCONSUMER', KEYS.log, ARGV.group, name)
end
return { 'tidied', #idle }
