#!lua flags=allow-oom
--[[ log/trim — one step of dropping whole batches at the head of a partition.

What lies below the log start goes in any case. Beyond that, up to the first batch that is kept:
batches without a record younger than retentionMs, and those without which at least retentionBytes
are left (-1: no limit). Whole spans go where all of their batches do; else batches are looked at,
one after the other.

Two clocks have to agree that something is old, that of Redis and that of the caller (nowMs). A
batch whose records have no time is younger than any moment at which it was not there yet: `seen`
"<log end> <ms>" in the meta hash remembers such a moment while the first batch is one of these. A
control batch without a time fills what a loss left out. It goes with the batch behind it, and stays
where there is none: who stands in front of it has missed nothing. Of the first batch that is kept,
`kept` has "<last offset> <timestamp> <bytes>", with the time of what a filler goes with, for
whoever wants to know whether anything is to be done.

KEYS    meta log spans?
ARGV    retentionMs retentionBytes nowMs spanBytesMax spanBatchesMax readBytesMax
        readBatchesMax wake
REPLY   done logStart offsets batches bytes (what this step has dropped) |
        more logStart offsets batches bytes
REFUSED unknown-partition | newer-format | missing (something; see log/find-missing) ]]
--- @include "now"
--- @include "spans"
local call, format, match, max = redis.call, string.format, string.match, math.max
local fields = { 'start', 'next', 'bytes', 'batches', 'epoch', 'format', 'gone', 'kept', 'seen',
  'confirmed' }
local meta = call('HMGET', KEYS.meta, unpack(fields))
if not meta[1] then return { 'unknown-partition' } end
if tonumber(meta[6] or 1) > 1 then return { 'newer-format' } end
local logStart, logEnd, bytes = tonumber(meta[1]), tonumber(meta[2]), tonumber(meta[3])
local batches, goneBytes, goneBatches = tonumber(meta[4]), readGone(meta[7])
if call('XLEN', KEYS.log) < batches then return { 'missing' } end
local redisMs, callerMs = now(), tonumber(ARGV.nowMs)
local nowMs, laterMs = math.min(redisMs, callerMs), max(redisMs, callerMs)
local retentionMs, retentionBytes = tonumber(ARGV.retentionMs), tonumber(ARGV.retentionBytes)
local oldestMs = retentionMs >= 0 and nowMs - retentionMs or -1
local bytesMin = retentionBytes >= 0 and retentionBytes or math.huge
local seenEnd, seenMs = match(meta[9] or '0 0', '^(%d+) (%d+)$')
seenEnd, seenMs = tonumber(seenEnd), tonumber(seenMs)
-- Written while a clock was wrong by more than clocks are.
if seenMs > laterMs + 86400000 then seenEnd = 0 end
local lastDropped, dropped, droppedBytes = nil, 0, 0

local function isDue(last, timestamp, size)
  return last < logStart or timestamp < oldestMs or bytes - size >= bytesMin
end

local function drop(last, count, size)
  lastDropped, dropped, droppedBytes = last, dropped + count, droppedBytes + size
  bytes, batches = bytes - size, batches - count
end

local function dropSpans()
  local bytesMax, batchesMax = tonumber(ARGV.spanBytesMax), tonumber(ARGV.spanBatchesMax)
  for _, entry in ipairs(call('XRANGE', KEYS.spans, '-', '+', 'COUNT', '64')) do
    local last = tonumber(match(entry[1], '^%d+'))
    local bytesAt, batchesAt, largest = match(entry[2][2], '^(%d+) (%d+) (-?%d+)$')
    local size = bytesAt - goneBytes - droppedBytes
    local count = batchesAt - goneBatches - dropped
    -- A version that knew of no spans may have dropped some of their batches.
    local isSound = count >= 1 and count <= batches and size >= 1 and size <= bytes
    largest = tonumber(largest)
    -- An earlier version has made spans of fillers alone, which go with the batch behind them.
    isSound = isSound and largest >= 0
    if not isSound or last >= logEnd or not isDue(last, largest, size) then return end
    local fits = droppedBytes + size <= bytesMax and dropped + count <= batchesMax
    if not fits and (dropped > 0 or count > 1) then return end
    drop(last, count, size)
  end
end

--- @include "drop-batches"
dropSpans()
local newStart, kept, isUnseen
if dropped == 0 then newStart, kept, isUnseen = dropBatches() end
local tag = newStart and 'done' or 'more'
local startBefore = logStart
if dropped > 0 then logStart = max(logStart, newStart or lastDropped + 1) end
-- What was not reckoned exactly ends with the last batch.
if batches == 0 then bytes = 0 end
local gone = format('%d %d', goneBytes + meta[3] - bytes, goneBatches + dropped)

-- ── writes ──
--- @include "wake"
if dropped > 0 then
  call('XTRIM', KEYS.log, 'MINID', '=', format('%d', lastDropped + 1))
  call('XTRIM', KEYS.spans, 'MINID', '=', format('%d', lastDropped + 1))
  call('HSET', KEYS.meta, 'start', format('%d', logStart), 'bytes', format('%d', bytes),
    'batches', format('%d', batches), 'gone', gone)
end
if kept and kept ~= meta[8] then call('HSET', KEYS.meta, 'kept', kept) end
if isUnseen then call('HSET', KEYS.meta, 'seen', format('%d %d', logEnd, laterMs)) end
if logStart > startBefore then wake(ARGV.wake, logEnd, logStart, meta[10], meta[5]) end
return { tag, logStart, logStart - startBefore, dropped, droppedBytes }
