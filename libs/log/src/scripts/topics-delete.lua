#!lua flags=allow-oom
--[[ topics/delete — take a topic away and leave its partitions to the sweeper. Running it again
answers gone. Deleting is how memory is won back, so it works beyond maxmemory too.
KEYS    topics deleted version
ARGV    field topicId changes
REPLY   deleted version prepared (partitions that may have been made)
REFUSED gone ]]
local stored = redis.call('HGET', KEYS.topics, ARGV.field)
if not stored then return { 'gone' } end
local topic = cjson.decode(stored)
if topic.id ~= ARGV.topicId then return { 'gone' } end
local entry = topic.prepared .. '/' .. topic.id .. '/' .. topic.name

-- ── writes ──
--- @include "announce"
redis.call('HDEL', KEYS.topics, ARGV.field)
redis.call('ZADD', KEYS.deleted, 0, entry)
local version = redis.call('INCR', KEYS.version)
announce(ARGV.changes, version, ARGV.field, 'null')
return { 'deleted', version, topic.prepared }
