#!lua flags=allow-oom
--[[ log/delete-records — moves the log start forward, to anywhere up to the log end.

The batches below it are dropped by log/trim afterwards; until then nobody is given them. A
beforeOffset of -1 is the log end.

KEYS   meta
ARGV   beforeOffset
REPLY  start logStart | out-of-range | unknown-partition ]]
local meta = redis.call('HMGET', KEYS[1], 'start', 'next')
if not meta[1] then return { 'unknown-partition' } end
local logStart, logEnd = tonumber(meta[1]), tonumber(meta[2])
local before = tonumber(ARGV[1])
if before == -1 then before = logEnd end
if before < 0 or before > logEnd then return { 'out-of-range' } end
if before <= logStart then return { 'start', logStart } end

-- ── writes ──
redis.call('HSET', KEYS[1], 'start', string.format('%.0f', before))
return { 'start', before }
