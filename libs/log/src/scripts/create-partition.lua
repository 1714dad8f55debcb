#!lua
--[[ log/create-partition — makes an empty partition, unless it is there.

All keys that log/append names are made with it: while a slot of a Redis Cluster moves, a script
whose keys do not all exist is not run. A stream may be empty; a hash may not, so the producers'
hash has a field that is no producer's, which tells the form of the others.

KEYS   meta log producers
ARGV   -
REPLY  created | exists ]]
if redis.call('EXISTS', KEYS[1]) == 1 then return 'exists' end

-- ── writes ──
redis.call('HSET', KEYS[1], 'next', '0', 'start', '0', 'maxts', '-1', 'bytes', '0',
  'batches', '0', 'largest', '0', 'epoch', '0', 'format', '1')
redis.call('XGROUP', 'CREATE', KEYS[2], 'none', '$', 'MKSTREAM')
redis.call('XGROUP', 'DESTROY', KEYS[2], 'none')
redis.call('HSET', KEYS[3], 'format', '1')
return 'created'
