-- Part of trim.lua, whose locals it uses: batches are looked at from the head of the log on.

-- The batch's own largest timestamp, or what stands for it; nil for a filler.
local function timeOf(batch, last)
  local own = struct.unpack('>i8', batch, 36)
  if own >= 0 then return own end
  local isControl = bit.band(struct.unpack('>i2', batch, 22), 0x20) ~= 0
  if isControl then return nil end
  return last < seenEnd and seenMs or unsure
end

-- Looks at batches until one is kept; returns the log start, and what is to be known of that batch.
local function dropBatches()
  local bytesMax, batchesMax = tonumber(ARGV.readBytesMax), tonumber(ARGV.readBatchesMax)
  -- The fillers before the batch, and where the first of them begins.
  local from, fillers, size, first, firstLast = '-', 0, 0, nil, nil
  while dropped < batchesMax and droppedBytes < bytesMax do
    local entry = call('XRANGE', KEYS.log, from, '+', 'COUNT', '1')[1]
    local last = entry and tonumber(match(entry[1], '^%d+'))
    local isEnd = not entry or last >= logEnd
    if isEnd and not first then return logEnd, nil end
    local batch = entry and entry[2][2]
    local timestamp = isEnd and -1 or timeOf(batch, last)
    if not isEnd then
      size, firstLast = size + #batch, firstLast or last
      first = first or last - struct.unpack('>i4', batch, 24)
    end
    if isEnd or timestamp and not isDue(last, timestamp, size) then
      local isUnseen = timestamp == unsure
      return first, format('%d %d %d', firstLast, isUnseen and -1 or timestamp, size), isUnseen
    elseif timestamp or last < logStart then
      drop(last, fillers + 1, size)
      fillers, size, first, firstLast = 0, 0, nil, nil
    else
      fillers = fillers + 1
    end
    from = '(' .. entry[1]
  end
end
