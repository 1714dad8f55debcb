--[[ topics/update — replace a topic's record if it is still what the caller saw. Running it again
changes nothing.
KEYS   topics version changes
ARGV   field expected replacement
REPLY  updated version (0 when an earlier run did it) | conflict topic | gone ]]
local stored = redis.call('HGET', KEYS[1], ARGV[1])
if not stored then return { 'gone' } end
if stored == ARGV[3] then return { 'updated', 0 } end
if stored ~= ARGV[2] then return { 'conflict', stored } end
-- ── writes ──
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
local version = redis.call('INCR', KEYS[2])
redis.call('PUBLISH', KEYS[3],
  '{"version":' .. version .. ',"field":"' .. ARGV[1] .. '","topic":' .. ARGV[3] .. '}')
return { 'updated', version }
