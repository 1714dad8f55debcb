#!lua flags=no-writes
--[[ topics/read — the whole registry at one moment.
KEYS   topics version
ARGV   -
REPLY  read version topics (a list: field topic, again and again) ]]
local version = tonumber(redis.call('GET', KEYS.version) or '0')
return { 'read', version, redis.call('HGETALL', KEYS.topics) }
