#!lua flags=allow-oom
--[[ groups/take — make a coordinator the owner of a group. It leaves a fence that nobody had before,
so whatever an earlier owner, or an earlier history of this Redis, still sends is refused. Nothing is
taken from an owner of a later epoch, and what is stored in a newer format is left as it is.
KEYS   state
ARGV   epoch fence format
REPLY  {taken, fields} | {missing} | {outdated, fence} | {newer, format}
       fields: all names and values as they were before, the fence of the last owner among them ]]
local state = KEYS[1]

local fields = redis.call('HGETALL', state)
if #fields == 0 then return { 'missing' } end

local format = redis.call('HGET', state, 'format')
if format and not (tonumber(format) and tonumber(format) <= tonumber(ARGV[3])) then
  return { 'newer', format }
end
local fence = redis.call('HGET', state, 'fence') or ''
local epoch = tonumber(string.match(fence, '^(%d+)/') or 0)
if epoch > tonumber(ARGV[1]) then return { 'outdated', fence } end

-- ── writes ──
redis.call('HSET', state, 'fence', ARGV[2], 'format', format or ARGV[3])
return { 'taken', fields }
