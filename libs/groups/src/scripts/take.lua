#!lua flags=allow-oom
--[[ groups/take — make a coordinator the owner of a group. It leaves a fence that nobody had
before, so whatever an earlier owner, or an earlier history of this Redis, still sends is refused.
Nothing is taken from an owner of a later epoch, and what is stored in a newer format is left as
it is. The fields are all names and values as they were before, the fence of the last owner among
them.
KEYS    state?
ARGV    epoch fence format
REPLY   taken fields…
REFUSED missing | unreadable | outdated fence | newer format ]]
--- @include "is-hash"
if not isHash(KEYS.state) then return { 'unreadable' } end
local fields = redis.call('HGETALL', KEYS.state)
if #fields == 0 then return { 'missing' } end

local format = redis.call('HGET', KEYS.state, 'format')
if format and not (tonumber(format) and tonumber(format) <= tonumber(ARGV.format)) then
  return { 'newer', format }
end
local fence = redis.call('HGET', KEYS.state, 'fence') or ''
local epoch = tonumber(string.match(fence, '^(%d+)/') or 0)
if epoch > tonumber(ARGV.epoch) then return { 'outdated', fence } end

local reply = { 'taken' }
for index, value in ipairs(fields) do reply[index + 1] = value end

-- ── writes ──
redis.call('HSET', KEYS.state, 'fence', ARGV.fence, 'format', format or ARGV.format)
return reply
