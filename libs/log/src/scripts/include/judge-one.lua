-- The usual call: one batch that follows on its producer's last, ends no span and lies below what
-- is reserved. It is judged without the functions and tables that any number of batches takes,
-- because to make those costs as much as all else. Where anything is not usual nothing has changed,
-- and judge-all.lua does it.
local from, maxBefore, largestIn = string.match(meta[11] or '', '^(%d+) (-?%d+) (-?%d+)$')
if count == 1 and from then
  local delta, timestamp, id, producerEpoch, first, size = parse(factsForm, facts)
  local inLog = bytes + size + string.match(meta[10] or '0', '^%d+')
  local isUsual = timestamp >= 0 and timestamp <= exactMax and size < aloneBytesMin
    and inLog - from < spanBytesMin and endBefore + delta < tonumber(meta[8] or -1)
    and (timestamp <= tonumber(largestIn) or timestamp > tonumber(maxBefore))
  if isUsual and id >= 0 then
    local field = format('%d', id)
    local value = call('HGET', KEYS.producers, field)
    isUsual = false
    if value then
      local knownEpoch, _, inARow = parse(headForm, value)
      local _, last = parse(batchForm, value, #value - batchBytes + 1)
      isUsual = knownEpoch == producerEpoch and first == (last + 1) % sequences
      if isUsual then
        local head = pack(headForm, knownEpoch, tonumber(call('TIME')[1]),
          math.min(sequences / 2, inARow + delta + 1))
        local batch = pack(batchForm, first, (first + delta) % sequences, endBefore)
        local window = string.sub(value, headBytes + 1) .. batch
        ofProducers = { field, head .. string.sub(window, -windowBytes) }
      end
    end
  end
  if isUsual then
    logEnd, bytes, added = endBefore + delta + 1, bytes + size, 1
    maxTimestamp, largest = max(maxTimestamp, timestamp), max(largest, size)
    ids[1] = format('%d-%d', logEnd - 1, max(1, maxTimestamp))
  end
end
