#!lua flags=allow-oom
--[[ log/delete-records — moves the log start forward, to anywhere up to the high watermark.

The batches below it are dropped by log/trim afterwards; until then nobody is given them. A
beforeOffset of -1 is the high watermark.

KEYS    meta
ARGV    beforeOffset wake
REPLY   start logStart
REFUSED out-of-range | unknown-partition | newer-format ]]
local meta = redis.call('HMGET', KEYS.meta, 'start', 'next', 'epoch', 'format', 'confirmed')
if not meta[1] then return { 'unknown-partition' } end
if tonumber(meta[4] or 1) > 1 then return { 'newer-format' } end
local logStart, logEnd = tonumber(meta[1]), tonumber(meta[2])
local before = tonumber(ARGV.beforeOffset)
local readable = math.max(logStart, math.min(logEnd, tonumber(meta[5] or logEnd)))
if before == -1 then before = readable end
if before < 0 or before > readable then return { 'out-of-range' } end
if before <= logStart then return { 'start', logStart } end

-- ── writes ──
--- @include "wake"
redis.call('HSET', KEYS.meta, 'start', string.format('%.0f', before))
wake(ARGV.wake, logEnd, before, meta[5], meta[3])
return { 'start', before }
