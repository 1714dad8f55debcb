-- A log is divided into spans of neighbouring batches, so that trimming need not look at each of
-- them, for which Redis would copy its bytes. The stream `spans` has an entry for each that has
-- ended: the id is that of its last batch; its value "<bytes> <batches> <largest>" is how much was
-- in the log up to there, counted from the partition's first batch, and the largest timestamp in
-- the span. Fields of the meta hash: `span` "<bytes> <maxts> <largest>" of the one that has not
-- ended: how much there was before it, the largest timestamp before it, and the largest of those in
-- it that do not exceed that one. `gone` "<bytes> <batches>": how much was dropped so far.
-- A largest timestamp that cannot be told, because there are batches without one.
local unsure = 9007199254740991

local function readGone(text)
  local bytes, batches = string.match(text or '0 0', '^(%d+) (%d+)$')
  return tonumber(bytes), tonumber(batches)
end

local function readSpan(text, gone, bytes, batches, spansKey)
  local goneBytes, goneBatches = readGone(gone)
  local from, maxBefore, largest = string.match(text or '', '^(%d+) (-?%d+) (-?%d+)$')
  local all = bytes + goneBytes
  -- Where it is missing, an earlier version has written, or nobody knows what is in the stream.
  -- The version before that made the partition without one.
  return { bytes = all, batches = batches + goneBatches, ends = {}, gone = goneBytes,
    from = tonumber(from or all), maxBefore = tonumber(maxBefore or unsure),
    largest = tonumber(largest or unsure), changed = not from,
    lacksStream = not from and redis.call('EXISTS', spansKey) == 0 }
end

local function addToSpan(span, size, timestamp)
  span.bytes, span.batches = span.bytes + size, span.batches + 1
  if timestamp < 0 then timestamp = unsure end
  if timestamp > span.largest and (timestamp <= span.maxBefore or timestamp == unsure) then
    span.largest, span.changed = timestamp, true
  end
end

-- The span ends before the offset `logEnd`; one without any batch does not, nor one that has only
-- fillers, which go with the batch behind them. One whose batches were all dropped meanwhile leaves
-- no entry.
local function endSpan(span, logEnd, maxTimestamp)
  local largest = span.largest
  if largest < unsure and maxTimestamp > span.maxBefore then largest = maxTimestamp end
  if span.bytes == span.from or largest < 0 then return end
  if span.bytes > span.gone then
    span.ends[#span.ends + 1] = { string.format('%d-%d', logEnd - 1, math.max(1, maxTimestamp)),
      string.format('%d %d %d', span.bytes, span.batches, largest) }
  end
  span.from, span.maxBefore, span.largest, span.changed = span.bytes, maxTimestamp, -1, true
end
