-- What a partition keeps of the group that reads it: "<owner epoch> <lineage> <progress> <member>".
-- Numbers are compared as numbers, and are below 2^53.
local function readDelivery(value)
  local epoch, lineage, progress, member = string.match(value or '', '^(%d+) (%d+) (%d+) (.*)$')
  if not epoch then return nil end
  return { epoch = tonumber(epoch), lineage = lineage, progress = tonumber(progress),
    member = member }
end

local function deliveryText(epoch, lineage, progress, member)
  return string.format('%d %s %d %s', epoch, lineage, progress, member)
end

-- Whose the partition is, seen by who says that it owns it: 'mine', 'fenced' where another has it,
-- 'unclaimed' where the claim is not there (any more: Redis may have lost its last writes).
local function ownership(delivery, epoch, member)
  if not delivery or delivery.epoch < epoch then return 'unclaimed' end
  if delivery.epoch > epoch or delivery.member ~= member then return 'fenced' end
  return 'mine'
end

-- The calls by which an owner moves its progress are numbered. One that comes after a later one,
-- on a connection that was given up, is late: it would move the progress back, or over what a seek
-- has gone back to. The number is beside the state, "<owner epoch> <sequence>"; an older version
-- has none.
local function isLate(last, epoch, sequence)
  local lastEpoch, lastSequence = string.match(last or '', '^(%d+) (%d+)$')
  return tonumber(lastEpoch) == epoch and tonumber(lastSequence) >= tonumber(sequence)
end

-- The stream's consumer group with this name: the id up to which it has delivered; else nil.
local function deliveredUpTo(log, group)
  for _, info in ipairs(redis.call('XINFO', 'GROUPS', log)) do
    local name, delivered
    for at = 1, #info, 2 do
      if info[at] == 'name' then name = info[at + 1] end
      if info[at] == 'last-delivered-id' then delivered = info[at + 1] end
    end
    if name == group then return delivered end
  end
  return nil
end

-- Where the stream's consumer group is to stand so that it delivers from an offset on. At the log
-- end Redis knows by '$' that nothing is left, and says so as the group's lag.
local function deliverFrom(offset, logEnd)
  if offset >= logEnd then return '$' end
  if offset == 0 then return '0-0' end
  return string.format('%d-18446744073709551615', offset - 1)
end
