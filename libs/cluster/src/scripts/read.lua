#!lua flags=no-writes
--[[ cluster/read — the whole cluster at one moment.
KEYS   brokers controller leaders
ARGV   -
REPLY  read version controllerId brokers leaders (lists: field text, again and again) ]]
local found = redis.call('HMGET', KEYS.controller, 'version', 'holder')
return { 'read', tonumber(found[1] or '') or 0, tonumber(found[2] or '') or -1,
  redis.call('HGETALL', KEYS.brokers), redis.call('HGETALL', KEYS.leaders) }
