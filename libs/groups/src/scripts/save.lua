#!lua flags=allow-oom
--[[ groups/save — write what changed in a group, if the writer has seen the last change. An
expected fence of no characters makes the group, if it is not there. A full Redis does not stop
it: groups are small, and consumers must be able to drain the log. The fields are first the names
of those to remove, then pairs of name and value. A channel that is not empty is told the message.
KEYS    state?
ARGV    expectedFence nextFence emptiness channel message removedCount fields…
REPLY   saved
REFUSED stale ]]
--- @include "now"
--- @include "in-pieces"
if ARGV.expectedFence == '' then
  if redis.call('EXISTS', KEYS.state) == 1 then return { 'stale' } end
elseif redis.call('HGET', KEYS.state, 'fence') ~= ARGV.expectedFence then
  return { 'stale' }
end
local removedCount = tonumber(ARGV.removedCount)
local nowMs = string.format('%.0f', now())

-- ── writes ──
inPieces(removedCount, function(from, to)
  redis.call('HDEL', KEYS.state, unpack(ARGV.fields, from, to))
end)
inPieces(#ARGV.fields - removedCount, function(from, to)
  redis.call('HSET', KEYS.state, unpack(ARGV.fields, removedCount + from, removedCount + to))
end)
redis.call('HSET', KEYS.state, 'fence', ARGV.nextFence)
if ARGV.emptiness == 'begins' then
  redis.call('HSET', KEYS.state, 'emptySince', nowMs)
elseif ARGV.emptiness == 'ends' then
  redis.call('HDEL', KEYS.state, 'emptySince')
end
if ARGV.channel ~= '' then redis.pcall('PUBLISH', ARGV.channel, ARGV.message) end
return { 'saved' }
