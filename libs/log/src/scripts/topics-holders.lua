#!lua flags=no-writes
--[[ topics/holders — all topics, and all that is left to sweep, at one moment: whose partitions
there may be. A topic that is being made is among what is to be swept until it appears.
KEYS   topics? deleted?
ARGV   -
REPLY  holders topics entries (lists: field topic, again and again; entries) ]]
return {
  'holders',
  redis.call('HGETALL', KEYS.topics),
  redis.call('ZRANGEBYSCORE', KEYS.deleted, '-inf', '+inf'),
}
