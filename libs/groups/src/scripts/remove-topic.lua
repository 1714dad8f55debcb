#!lua flags=allow-oom
--[[ groups/remove-topic — one step in removing a group's offsets of a deleted topic.
KEYS   offsets
ARGV   pattern cursor count
REPLY  cursor; 0 after the last step ]]
local scanned = redis.call('HSCAN', KEYS[1], ARGV[2], 'MATCH', ARGV[1], 'COUNT', ARGV[3])
for at = 1, #scanned[2], 2 do redis.call('HDEL', KEYS[1], scanned[2][at]) end
return scanned[1]
