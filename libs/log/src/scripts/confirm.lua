#!lua flags=allow-oom
--[[ log/confirm — moves a partition's high watermark to where its log is confirmed.

A topic that asks for copies or for the disk has what lies at `confirmed` and above kept from
readers, until somebody has waited (WAIT, WAITAOF) and says so here, or with the next log/append.
Where the field is missing nobody asks, and all of the log is for readers.

It always writes something, so whoever waits on the same connection afterwards waits for all that is
in the log up to the log end of this reply.

KEYS    meta
ARGV    upTo (-1: nothing new; 'end': the topic asks for nothing any more) wake
REPLY   confirmed highWatermark logEnd
REFUSED unknown-partition | newer-format ]]
local fields = { 'next', 'start', 'epoch', 'format', 'confirmed' }
local meta = redis.call('HMGET', KEYS.meta, unpack(fields))
if not meta[1] then return { 'unknown-partition' } end
if tonumber(meta[4] or 1) > 1 then return { 'newer-format' } end
local logEnd, before = tonumber(meta[1]), tonumber(meta[5] or meta[1])
local isOver = not meta[5] or ARGV.upTo == 'end'
local confirmed = isOver and logEnd or math.min(logEnd, math.max(before, tonumber(ARGV.upTo)))

-- ── writes ──
--- @include "wake"
if isOver then
  redis.call('HDEL', KEYS.meta, 'confirmed')
  redis.call('HSET', KEYS.meta, 'next', meta[1])
else
  redis.call('HSET', KEYS.meta, 'confirmed', string.format('%d', confirmed))
end
if confirmed > before then wake(ARGV.wake, logEnd, meta[2], confirmed, meta[3]) end
return { 'confirmed', confirmed, logEnd }
