#!lua flags=allow-oom
--[[ log/recover — makes sure that no offset is given twice after Redis has lost its last writes.

The next offset moves to `target`, the end that somebody knows the log has had, or, where that is
'reserved', to the bound below which offsets may have been given out. What lies between is filled by
control batches, and a new leader epoch begins behind it. Running it again for the same target, or
for the same history, does nothing. What the meta hash says is also made to agree with the stream.

KEYS    meta log? open? spans?
ARGV    target history reservation epochsMax wake
REPLY   same logEnd epoch | moved logEnd epoch from
REFUSED unknown-partition | newer-format ]]
--- @include "now"
--- @include "reservation"
--- @include "filler"
--- @include "epochs"
--- @include "spans"
local call, format, max = redis.call, string.format, math.max
local fields = { 'next', 'start', 'maxts', 'bytes', 'batches', 'largest', 'epoch', 'epochs',
  'recovered', 'format', 'confirmed', 'span', 'gone' }
local meta = call('HMGET', KEYS.meta, unpack(fields))
if not meta[1] then return { 'unknown-partition' } end
if tonumber(meta[10] or 1) > 1 then return { 'newer-format' } end
local logEnd, epoch = tonumber(meta[1]), tonumber(meta[7])
local byReservation = ARGV.target == 'reserved'
if byReservation and meta[9] == ARGV.history then return { 'same', logEnd, epoch } end

local nowMs, _, first, least = now(), reservationTerms(ARGV.reservation)
local one = readReservation(KEYS.meta, logEnd, first)
local target = byReservation and one.reserved or tonumber(ARGV.target)
-- A half transaction may have left the stream under its other name.
local lost = call('EXISTS', KEYS.log) == 0 and call('EXISTS', KEYS.open) == 1
local lacksSpans = call('EXISTS', KEYS.spans) == 0
local stream = lost and KEYS.open or KEYS.log
local tail = call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
local from, maxTimestamp = logEnd, tonumber(meta[3])
if tail then
  local last, runningMax = string.match(tail[1], '^(%d+)-(%d+)$')
  from = max(from, last + 1)
  if tonumber(runningMax) > 1 then maxTimestamp = max(maxTimestamp, tonumber(runningMax)) end
end
target = max(target, from)
if not byReservation and target == logEnd and not lost then return { 'same', logEnd, epoch } end
-- Batches that the meta hash does not know of.
local batches, bytes, largest = tonumber(meta[5]), tonumber(meta[4]), tonumber(meta[6])
for _, entry in ipairs(from > logEnd and call('XRANGE', stream, meta[1], '+') or {}) do
  batches, bytes = batches + 1, bytes + #entry[2][2]
  largest = max(largest, #entry[2][2])
end
-- Fillers go with the batch behind them, so they begin a span.
local span = readSpan(meta[12], meta[13], bytes, batches, KEYS.spans)
if target > from then endSpan(span, from, maxTimestamp) end
local fillers, at = {}, from
while at < target do
  local count = math.min(target - at, 2147483647)
  at = at + count
  local batch = filler(count)
  fillers[#fillers + 1] = { format('%d-%d', at - 1, max(1, maxTimestamp)), batch }
  batches, bytes, largest = batches + 1, bytes + #batch, max(largest, #batch)
end
epoch = epoch + 1
local epochs = withEpoch(meta[8], epoch, target, tonumber(meta[2]), tonumber(ARGV.epochsMax))
local free = max(one.reserved - one.usable, least)
one.usable = max(one.reserved, target)
one.reserved = one.usable + free
one.extended, one.crossed = nowMs, target

-- ── writes ──
--- @include "wake"
--- @include "make-stream"
--- @include "store-span"
if lacksSpans then makeStream(KEYS.spans) end
if lost then call('RENAMENX', KEYS.open, KEYS.log) end
-- How old batches are that the meta hash did not know of was not looked at.
if from > logEnd then
  call('HDEL', KEYS.meta, 'span')
elseif #span.ends > 0 then
  storeSpan(span, KEYS.meta, KEYS.spans)
end
for _, entry in ipairs(fillers) do call('XADD', KEYS.log, entry[1], 'b', entry[2]) end
call('HSET', KEYS.meta, 'next', format('%d', target), 'maxts', format('%d', maxTimestamp),
  'bytes', format('%d', bytes), 'batches', format('%d', batches), 'largest', largest,
  'epoch', epoch, 'epochs', epochs, unpack(reservationFields(one)))
if byReservation then call('HSET', KEYS.meta, 'recovered', ARGV.history) end
wake(ARGV.wake, target, meta[2], meta[11], epoch)
return { 'moved', target, epoch, from }
