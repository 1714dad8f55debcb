#!lua flags=allow-oom
--[[ log/find-missing — makes a partition's meta hash true where its stream lacks batches.

Nothing but Sluice may take entries out of a stream. Where a hand or another tool did, readers would
wait for what never comes: so the log start moves to the first batch that is there, or to the log
end, and readers are told that their offset is out of range. How many bytes are gone is reckoned by
the average. What is known of spans of the log is true no longer, so trimming looks at each batch.

KEYS    meta log? spans?
ARGV    wake
REPLY   whole | missing batches logStart logEnd (how many, and the bounds now)
REFUSED unknown-partition | newer-format ]]
local call, format = redis.call, string.format
local fields = { 'start', 'next', 'batches', 'bytes', 'epoch', 'format', 'confirmed' }
local meta = call('HMGET', KEYS.meta, unpack(fields))
if not meta[1] then return { 'unknown-partition' } end
if tonumber(meta[6] or 1) > 1 then return { 'newer-format' } end
local logStart, logEnd, batches = tonumber(meta[1]), tonumber(meta[2]), tonumber(meta[3])
local there = call('XLEN', KEYS.log)
if there >= batches then return { 'whole' } end
local firstBase = logEnd
local first = call('XRANGE', KEYS.log, '-', '+', 'COUNT', 1)[1]
if first then
  firstBase = tonumber(string.match(first[1], '^%d+')) - struct.unpack('>i4', first[2][2], 24)
end
logStart = math.max(logStart, firstBase)
local bytes = math.floor(tonumber(meta[4]) * there / batches)

-- ── writes ──
--- @include "wake"
call('HSET', KEYS.meta, 'start', format('%d', logStart), 'batches', format('%d', there),
  'bytes', format('%d', bytes))
call('HDEL', KEYS.meta, 'span')
call('XTRIM', KEYS.spans, 'MAXLEN', '0')
wake(ARGV.wake, logEnd, logStart, meta[7], meta[5])
return { 'missing', batches - there, logStart, logEnd }
