#!lua flags=allow-oom
--[[ topics/ensure — make all keys of the registry that are not there. Harmless to run again.

While a slot of a Redis Cluster moves, a script whose keys do not all exist is not run, and an empty
hash or sorted set does not exist. So each has one member that is nothing else's: a field that no
topic's name can be, with a record of no partitions, and an entry that is never due.

Where topics were made or deleted and the mark is gone with them, somebody has removed the topics by
hand. The new mark says so, for good: what belongs to no topic may belong to one that was lost.
KEYS   topics? deleted? version?
ARGV   mark record lostRecord
REPLY  whole ]]
local isMarked = redis.call('HEXISTS', KEYS.topics, ARGV.mark) == 1
local isEmptied = redis.call('EXISTS', KEYS.topics) == 0
  and tonumber(redis.call('GET', KEYS.version) or 0) > 0
-- A version that knew of no marks has left neither of them.
local isLost = not isMarked and (redis.call('ZSCORE', KEYS.deleted, ARGV.mark) or isEmptied)

-- ── writes ──
redis.call('HSETNX', KEYS.topics, ARGV.mark, isLost and ARGV.lostRecord or ARGV.record)
redis.call('ZADD', KEYS.deleted, 'NX', '+inf', ARGV.mark)
redis.call('SETNX', KEYS.version, '0')
return { 'whole' }
