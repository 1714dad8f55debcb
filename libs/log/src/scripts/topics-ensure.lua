#!lua flags=allow-oom
--[[ topics/ensure — make all keys of the registry that are not there. Harmless to run again.

While a slot of a Redis Cluster moves, a script whose keys do not all exist is not run, and an empty
hash or sorted set does not exist. So each has one member that is nothing else's: a field that no
topic's name can be, and an entry that is never due.
KEYS   topics? deleted? version?
ARGV   mark
REPLY  whole ]]

-- ── writes ──
redis.call('HSETNX', KEYS.topics, ARGV.mark, '')
redis.call('ZADD', KEYS.deleted, 'NX', '+inf', ARGV.mark)
redis.call('SETNX', KEYS.version, '0')
return { 'whole' }
