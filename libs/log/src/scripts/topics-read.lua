#!lua flags=no-writes
--[[ topics/read — the whole registry at one moment.
KEYS   topics version
ARGV   -
REPLY  version {field topic …} ]]
return { tonumber(redis.call('GET', KEYS[2]) or '0'), redis.call('HGETALL', KEYS[1]) }
