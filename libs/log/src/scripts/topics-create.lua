--[[ topics/create — let a topic appear whose partitions are ready. Running it again for the same
topic id is a success that changes nothing.

The registry's field is the name with '.' as '_', so names that differ only in that share a field.

KEYS   topics deleted version changes
ARGV   field topicId topic entry
REPLY  created version (0 when an earlier run did it) | taken topic | expired ]]
local stored = redis.call('HGET', KEYS[1], ARGV[1])
if stored and cjson.decode(stored).id == ARGV[2] then
  return { 'created', 0 }
end
local score = redis.call('ZSCORE', KEYS[2], ARGV[4])
-- ── writes ──
if stored then
  redis.call('ZADD', KEYS[2], 0, ARGV[4])
  return { 'taken', stored }
end
if not score or tonumber(score) == 0 then
  -- The sweeper may have unlinked some of the partitions already.
  redis.call('ZADD', KEYS[2], 0, ARGV[4])
  return { 'expired' }
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('ZREM', KEYS[2], ARGV[4])
local version = redis.call('INCR', KEYS[3])
redis.call('PUBLISH', KEYS[4],
  '{"version":' .. version .. ',"field":"' .. ARGV[1] .. '","topic":' .. ARGV[3] .. '}')
return { 'created', version }
