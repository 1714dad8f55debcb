#!lua flags=allow-oom
--[[ groups/save — write what changed in a group, if the writer has seen the last change. An expected
fence of no characters makes the group, if it is not there.
A full Redis does not stop it: groups are small, and consumers must be able to drain the log.
KEYS   state
ARGV   expectedFence nextFence emptiness removedCount fields…
Fields: first the names of those to remove, then pairs of name and value
REPLY  saved | stale ]]
local state = KEYS[1]
local expectedFence, nextFence, emptiness = ARGV[1], ARGV[2], ARGV[3]
local removedCount = tonumber(ARGV[4])
local firstField = 5
local fieldsPerCall = 1000

if expectedFence == '' then
  if redis.call('EXISTS', state) == 1 then return 'stale' end
elseif redis.call('HGET', state, 'fence') ~= expectedFence then
  return 'stale'
end
local now = redis.call('TIME')

-- ── writes ──
local function each(first, last, command)
  for from = first, last, fieldsPerCall do
    redis.call(command, state, unpack(ARGV, from, math.min(from + fieldsPerCall - 1, last)))
  end
end

local firstPair = firstField + removedCount
each(firstField, firstPair - 1, 'HDEL')
each(firstPair, #ARGV, 'HSET')
redis.call('HSET', state, 'fence', nextFence)
if emptiness == 'begins' then
  local nowMs = now[1] .. string.format('%03d', math.floor(now[2] / 1000))
  redis.call('HSET', state, 'emptySince', nowMs)
elseif emptiness == 'ends' then
  redis.call('HDEL', state, 'emptySince')
end
return 'saved'
