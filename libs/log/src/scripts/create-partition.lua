#!lua
--[[ log/create-partition — makes an empty partition, unless it is there.

KEYS   meta
ARGV   -
REPLY  created | exists ]]
if redis.call('EXISTS', KEYS[1]) == 1 then return 'exists' end
redis.call('HSET', KEYS[1], 'next', '0', 'start', '0', 'maxts', '-1', 'bytes', '0',
  'batches', '0', 'largest', '0', 'epoch', '0', 'token', '')
return 'created'
