--[[ topics/intend — note that a topic's partitions are about to be prepared, so that they can be
cleaned up if their topic never appears. Harmless to run again.

An entry's score is the time (ms) until which its topic may still appear, or 0 once it is to be
swept.

KEYS   topics deleted
ARGV   field entry graceMs
REPLY  noted | taken topic ]]
local stored = redis.call('HGET', KEYS[1], ARGV[1])
if stored then return { 'taken', stored } end
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
-- ── writes ──
-- NX: an entry that the sweeper has taken must stay taken, or it would unlink a live topic.
redis.call('ZADD', KEYS[2], 'NX', nowMs + tonumber(ARGV[3]), ARGV[2])
return { 'noted' }
