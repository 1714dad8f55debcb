#!lua flags=no-writes
--[[ groups/read — read a group, and Redis' time in µs, for whoever is going to change it. It takes
nothing from anybody: the change is refused if another comes first. The fields are all names and
values.
KEYS    state?
ARGV    format
REPLY   found now fields…
REFUSED unreadable | newer format ]]
--- @include "is-hash"
if not isHash(KEYS.state) then return { 'unreadable' } end
local format = redis.call('HGET', KEYS.state, 'format')
if format and not (tonumber(format) and tonumber(format) <= tonumber(ARGV.format)) then
  return { 'newer', format }
end
local time = redis.call('TIME')
local reply = { 'found', string.format('%.0f', time[1] * 1000000 + time[2]) }
for index, value in ipairs(redis.call('HGETALL', KEYS.state)) do reply[index + 2] = value end
return reply
