--[[ topics/update — replace a topic's record if it is still what the caller saw. Running it again
changes nothing.
KEYS    topics version
ARGV    field expected replacement changes
REPLY   updated version (0 when an earlier run did it)
REFUSED conflict topic | gone ]]
local stored = redis.call('HGET', KEYS.topics, ARGV.field)
if not stored then return { 'gone' } end
if stored == ARGV.replacement then return { 'updated', 0 } end
if stored ~= ARGV.expected then return { 'conflict', stored } end

-- ── writes ──
--- @include "announce"
redis.call('HSET', KEYS.topics, ARGV.field, ARGV.replacement)
local version = redis.call('INCR', KEYS.version)
announce(ARGV.changes, version, ARGV.field, ARGV.replacement)
return { 'updated', version }
