#!lua flags=allow-oom
--[[ groups/take — make a coordinator the owner of a group. It leaves a fence that nobody had
before, so whatever an earlier owner, or an earlier history of this Redis, still sends is refused.
Nothing is taken from an owner of a later epoch, and what is stored in a newer format is left as
it is. Nor is a group taken that has members of the other engine, which have no coordinator. The
fields are all names and values as they were before, the fence of the last owner among them.
KEYS    state?
ARGV    epoch fence format
REPLY   taken fields…
REFUSED missing | unreadable | outdated fence | newer format | assigned ]]
--- @include "is-hash"
if not isHash(KEYS.state) then return { 'unreadable' } end
local fields = redis.call('HGETALL', KEYS.state)
if #fields == 0 then return { 'missing' } end

local format = redis.call('HGET', KEYS.state, 'format')
if format and not (tonumber(format) and tonumber(format) <= tonumber(ARGV.format)) then
  return { 'newer', format }
end
-- The head is JSON that begins so (see group-codec.ts of both engines).
local head = redis.call('HGET', KEYS.state, 'head') or ''
local groupState, engine = string.match(head, '^{"state":"([%l-]+)","engine":"(%l+)"')
if engine == 'assigned' and groupState ~= 'empty' then return { 'assigned' } end
local fence = redis.call('HGET', KEYS.state, 'fence') or ''
local epoch = tonumber(string.match(fence, '^(%d+)/') or 0)
if epoch > tonumber(ARGV.epoch) then return { 'outdated', fence } end

local reply = { 'taken' }
for index, value in ipairs(fields) do reply[index + 1] = value end

-- ── writes ──
-- What has no number is of the first format.
redis.call('HSET', KEYS.state, 'fence', ARGV.fence, 'format', format or 1)
return reply
