#!lua flags=allow-oom
--[[ topics/delete — take a topic away and leave its partitions to the sweeper. Running it again
answers gone. Deleting is how memory is won back, so it works beyond maxmemory too.
KEYS   topics deleted version changes
ARGV   field topicId
REPLY  deleted version | gone ]]
local stored = redis.call('HGET', KEYS[1], ARGV[1])
if not stored then return { 'gone' } end
local topic = cjson.decode(stored)
if topic.id ~= ARGV[2] then return { 'gone' } end
-- ── writes ──
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[2], 0, topic.prepared .. '/' .. topic.id .. '/' .. topic.name)
local version = redis.call('INCR', KEYS[3])
redis.call('PUBLISH', KEYS[4],
  '{"version":' .. version .. ',"field":"' .. ARGV[1] .. '","topic":null}')
return { 'deleted', version }
