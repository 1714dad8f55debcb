#!lua flags=allow-oom
--[[ log/trim — one step of dropping whole batches at the head of a partition.

What lies below the log start goes in any case; beyond that the rule decides, up to the first batch
that it keeps:
  below  nothing more
  time   batches without a record of the time `bound` (ms) or later
  size   batches without which at least `bound` bytes are left

KEYS    meta log
ARGV    rule bound entriesMax bytesMax wake
REPLY   done logStart batches bytes (dropped in this step) | more logStart batches bytes
REFUSED unknown-partition ]]
local call, format = redis.call, string.format
local meta = call('HMGET', KEYS.meta, 'start', 'next', 'bytes', 'batches', 'epoch')
if not meta[1] then return { 'unknown-partition' } end
local logStart, logEnd = tonumber(meta[1]), tonumber(meta[2])
local bytes, rule, bound = tonumber(meta[3]), ARGV.rule, tonumber(ARGV.bound)
local entriesMax, bytesMax = tonumber(ARGV.entriesMax), tonumber(ARGV.bytesMax)

local function isDue(last, runningMax, batch)
  if last < logStart then return true end
  if rule == 'size' then return bytes - #batch >= bound end
  if rule ~= 'time' then return false end
  -- The batch's own largest timestamp; a batch without any is as old as those before it.
  local own = struct.unpack('>i8', batch, 36)
  return (own >= 0 and own or runningMax) < bound
end

local from, dropped, droppedBytes, lastDropped, newStart = '-', 0, 0, nil, nil
while dropped < entriesMax and droppedBytes < bytesMax do
  local entry = call('XRANGE', KEYS.log, from, '+', 'COUNT', 1)[1]
  if not entry then
    newStart = logEnd
    break
  end
  local last, runningMax = string.match(entry[1], '^(%d+)-(%d+)$')
  local batch = entry[2][2]
  last = tonumber(last)
  if not isDue(last, tonumber(runningMax), batch) then
    newStart = last - struct.unpack('>i4', batch, 24)
    break
  end
  dropped, droppedBytes, bytes = dropped + 1, droppedBytes + #batch, bytes - #batch
  lastDropped, from = last, '(' .. entry[1]
end
local tag = newStart and 'done' or 'more'
if dropped == 0 then return { tag, logStart, 0, 0 } end

-- ── writes ──
--- @include "wake"
logStart = math.max(logStart, newStart or lastDropped + 1)
call('XTRIM', KEYS.log, 'MINID', '=', format('%.0f', lastDropped + 1))
call('HSET', KEYS.meta, 'start', format('%.0f', logStart), 'bytes', format('%.0f', bytes),
  'batches', format('%.0f', tonumber(meta[4]) - dropped))
wake(ARGV.wake, logEnd, logStart, logEnd, meta[5])
return { tag, logStart, dropped, droppedBytes }
