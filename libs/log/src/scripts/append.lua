#!lua
--[[ log/append — adds a list of batches to a partition; each is judged by itself, in order.

A batch of an idempotent producer is added once: the last five of each producer are kept, and one
that is sent again gets its first offset again. An entry's id is its last offset and the largest
timestamp so far; the latter is at least 1, because Redis does not take the id 0-0.

Large batches go past Lua, which would hash and copy their bytes. Their sender runs this in a MULTI,
without them and with the key `open`. Where all of them fit at the log's `position` ("<log end>
<maxts>"), the script does all but the adding and moves the stream to that key: the XADDs behind it
name it, and do nothing where it does not exist.

Offsets are given out only up to where they are reserved (see include/reservation.lua). An append
that would end beyond that is done once the reservation is old enough.

Where the topic asks for more than the primary's word, `confirmed` is how far that was given (see
log/confirm). WAIT covers only what its connection has written (Valkey 8), so something is written
for batches that are there already, too.

KEYS    meta log producers spans? open…
ARGV    leadership position confirmed wake reservation facts batches…
REPLY   all logStart logEnd maxTimestamp epoch (appended one after the other, up to logEnd) |
        some logStart logEnd maxTimestamp epoch times verdicts… |
        wait ms (nothing was appended; it may be after so long)
REFUSED moved logEnd maxTimestamp (the log ends there) | unfit (to go past Lua) |
        fenced-leader | unknown-partition | newer-format
The facts of each batch are packed as '<i4ddi2i4I4': lastOffsetDelta, maxTimestampMs, producerId (-1
for none), producerEpoch, baseSequence, bytes. No conditions: leadership -1, the two others ''.
Two numbers are the verdict on a batch: 0 and where it was appended, 1 and where that is of which it
is a duplicate, 2 and nothing: a duplicate of an older batch, 3 and the sequence that was expected,
4: fenced by its epoch, 5: a timestamp that cannot be kept exactly. `times` has the largest
timestamp of each batch that there is a duplicate of; -1: it is gone. ]]
--- @include "producer-forms"
local factsForm, factsBytes, exactMax = '<i4ddi2i4I4', 30, 9007199254740991 -- 2^53-1
-- How large spans get, and from which size on a batch is one by itself; see include/spans.lua.
local spanBytesMin, aloneBytesMin = 1048576, 262144
local call, max = redis.call, math.max
local meta = call('HMGET', KEYS.meta, 'next', 'maxts', 'start', 'bytes', 'batches', 'largest',
  'epoch', 'usable', 'format', 'gone', 'span', 'confirmed', 'leadership')
if not meta[1] then return { 'unknown-partition' } end
if tonumber(meta[9] or 1) > 1 then return { 'newer-format' } end
local leadership, position, facts, epoch = ARGV.leadership, ARGV.position, ARGV.facts, meta[7] + 0
-- One that is later than the partition's was not claimed, or Redis has lost that.
if leadership ~= '-1' and leadership ~= meta[13] then return { 'fenced-leader' } end
if position ~= '' and position ~= meta[1] .. ' ' .. meta[2] then
  return { 'moved', tonumber(meta[1]), tonumber(meta[2]) }
end

local endBefore, logStart, bytes = tonumber(meta[1]), tonumber(meta[3]), tonumber(meta[4])
local logEnd, maxTimestamp, largest = endBefore, tonumber(meta[2]), tonumber(meta[6])
local count, ids, verdicts, times = #facts / factsBytes, {}, {}, {}
local added, known, span, ofProducers = 0, false, nil, nil
--- @include "judge-one"
if added == 0 then
  --- @include "judge-all"
end

local direct = #KEYS.open == 1
if direct then
  local free = call('EXISTS', KEYS.log) == 1 and call('EXISTS', KEYS.open[1]) == 0
  if added < count or not free then return { 'unfit' } end
end
local confirmed = ARGV.confirmed ~= ''
  and math.min(endBefore, max(tonumber(ARGV.confirmed), tonumber(meta[12] or endBefore)))
local extension, waitMs = false, 0
if added > 0 and logEnd > tonumber(meta[8] or -1) then
  --- @include "reserve"
  extension, waitMs = reserve(KEYS.meta, endBefore, logEnd, ARGV.reservation)
end
local batches = meta[5] + added

-- ── writes ──
--- @include "wake"
if added == 0 then
  if known and confirmed then
    call('HSET', KEYS.meta, 'confirmed', format('%d', confirmed))
  end
  return { 'some', logStart, logEnd, maxTimestamp, epoch, times, unpack(verdicts) }
end
if extension then call('HSET', KEYS.meta, unpack(extension)) end
if waitMs > 0 then return { 'wait', waitMs } end
if direct then call('RENAMENX', KEYS.log, KEYS.open[1]) end
for i = 1, direct and 0 or count do
  if ids[i] then call('XADD', KEYS.log, ids[i], 'b', ARGV.batches[i]) end
end
call('HSET', KEYS.meta, 'next', format('%d', logEnd), 'maxts', format('%d', maxTimestamp),
  'bytes', format('%d', bytes), 'batches', format('%d', batches), 'largest', largest)
if confirmed then
  call('HSET', KEYS.meta, 'confirmed', format('%d', confirmed))
elseif meta[12] then
  call('HDEL', KEYS.meta, 'confirmed')
end
if span and (span.changed or span.lacksStream or #span.ends > 0) then
  --- @include "make-stream"
  --- @include "store-span"
  storeSpan(span, KEYS.meta, KEYS.spans)
end
if ofProducers then call('HSET', KEYS.producers, unpack(ofProducers)) end
wake(ARGV.wake, logEnd, logStart, confirmed, epoch)
if added == count then return { 'all', logStart, logEnd, maxTimestamp, epoch } end
return { 'some', logStart, logEnd, maxTimestamp, epoch, times, unpack(verdicts) }
