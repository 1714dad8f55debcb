--[[ topics/create — let a topic appear whose partitions are ready. Running it again for the same
topic id is a success that changes nothing. Where it cannot appear, its partitions are left to the
sweeper.

The registry's field is the name with '.' as '_', so names that differ only in that share a field.
KEYS   topics deleted version
ARGV   field topicId topic entry changes
REPLY  created version (0 when an earlier run did it) | taken topic |
       expired (the sweeper may have unlinked some of the partitions already) ]]
local stored = redis.call('HGET', KEYS.topics, ARGV.field)
if stored and cjson.decode(stored).id == ARGV.topicId then return { 'created', 0 } end
local score = redis.call('ZSCORE', KEYS.deleted, ARGV.entry)
local expired = not score or tonumber(score) == 0

-- ── writes ──
--- @include "announce"
if stored or expired then
  redis.call('ZADD', KEYS.deleted, 0, ARGV.entry)
  return stored and { 'taken', stored } or { 'expired' }
end
redis.call('HSET', KEYS.topics, ARGV.field, ARGV.topic)
redis.call('ZREM', KEYS.deleted, ARGV.entry)
local version = redis.call('INCR', KEYS.version)
announce(ARGV.changes, version, ARGV.field, ARGV.topic)
return { 'created', version }
