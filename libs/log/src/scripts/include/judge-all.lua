-- Judges the batches of a call, whatever they are, one after the other.
--- @include "producers"
--- @include "spans"
span = readSpan(meta[11], meta[10], bytes, meta[5], KEYS.spans)
local at = 1
for i = 1, count do
  local delta, timestamp, producerId, producerEpoch, first, size
  delta, timestamp, producerId, producerEpoch, first, size, at = parse(factsForm, facts, at)
  local kind, number = 0, 0
  if timestamp > exactMax then
    kind = 5
  elseif producerId >= 0 then
    local last = (first + delta) % sequences
    kind, number = judge(producerOf(KEYS.producers, producerId), producerEpoch, first, last)
    if kind == 0 then remember(producerId, producerEpoch, first, last, logEnd) end
    if kind == 1 then
      --- @include "stored-timestamp"
      times[#times + 1] = stored
    end
    known = known or kind == 1 or kind == 2
  end
  verdicts[2 * i - 1], verdicts[2 * i] = kind, kind == 0 and logEnd or number
  if kind == 0 then
    if size >= aloneBytesMin then endSpan(span, logEnd, maxTimestamp) end
    addToSpan(span, size, timestamp)
    logEnd, bytes, added = logEnd + delta + 1, bytes + size, added + 1
    maxTimestamp, largest = max(maxTimestamp, timestamp), max(largest, size)
    if size >= aloneBytesMin or span.bytes - span.from >= spanBytesMin then
      endSpan(span, logEnd, maxTimestamp)
    end
    -- '%d' is exact where Redis is a 64-bit program, and takes half the time of '%.0f'.
    ids[i] = format('%d-%d', logEnd - 1, maxTimestamp > 1 and maxTimestamp or 1)
  end
end
if producersChanged then ofProducers = changedProducers(tonumber(call('TIME')[1])) end
