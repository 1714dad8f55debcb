--[[ topics/intend — note that a topic's partitions are about to be prepared, so that they can be
cleaned up if their topic never appears. Harmless to run again.

An entry's score is the time (ms) until which its topic may still appear, or 0 once it is to be
swept.
KEYS    topics deleted
ARGV    field entry graceMs
REPLY   noted
REFUSED taken topic ]]
--- @include "now"
local stored = redis.call('HGET', KEYS.topics, ARGV.field)
if stored then return { 'taken', stored } end
local untilMs = now() + tonumber(ARGV.graceMs)

-- ── writes ──
-- NX: an entry that the sweeper has taken must stay taken, or it would unlink a live topic.
redis.call('ZADD', KEYS.deleted, 'NX', untilMs, ARGV.entry)
return { 'noted' }
