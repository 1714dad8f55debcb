#!lua flags=allow-oom
--[[ topics/ensure — make all keys of the registry that are not there. Harmless to run again.

While a slot of a Redis Cluster moves, a script whose keys do not all exist is not run, and an empty
hash or sorted set does not exist. So each has one member that is nothing else's: a field that no
topic's name can be, with a record of no partitions, and an entry that is never due.
KEYS   topics? deleted? version?
ARGV   mark record
REPLY  whole ]]

-- ── writes ──
redis.call('HSETNX', KEYS.topics, ARGV.mark, ARGV.record)
redis.call('ZADD', KEYS.deleted, 'NX', '+inf', ARGV.mark)
redis.call('SETNX', KEYS.version, '0')
return { 'whole' }
