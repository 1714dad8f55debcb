#!lua flags=allow-oom
--[[ log/delivery-seek — the owner of a partition goes on at another offset, with nothing pending.

The lineage stays as it is: the owner itself has moved, and the committed offset follows. What is
outside the log becomes its start or its end.

KEYS    meta log delivery
ARGV    group member epoch sequence offset
REPLY   moved progress
REFUSED fenced | unclaimed | late ]]
--- @include "delivery"
local call, field, epoch = redis.call, 'g/' .. ARGV.group, tonumber(ARGV.epoch)
local numbers = 's/' .. ARGV.group
local found = call('HMGET', KEYS.delivery, field, numbers)
local held = readDelivery(found[1])
local whose = ownership(held, epoch, ARGV.member)
if whose ~= 'mine' then return { whose } end
if isLate(found[2], epoch, ARGV.sequence) then return { 'late' } end
local meta = call('HMGET', KEYS.meta, 'start', 'next')
if not meta[1] then return { 'unclaimed' } end
local logStart, logEnd = tonumber(meta[1]), tonumber(meta[2])
local offset = math.max(logStart, math.min(logEnd, tonumber(ARGV.offset)))
local isThere = deliveredUpTo(KEYS.log, ARGV.group) ~= nil

-- ── writes ──
if isThere then call('XGROUP', 'DESTROY', KEYS.log, ARGV.group) end
call('XGROUP', 'CREATE', KEYS.log, ARGV.group, deliverFrom(offset, logEnd))
call('HSET', KEYS.delivery, field, deliveryText(epoch, held.lineage, offset, ARGV.member),
  numbers, ARGV.epoch .. ' ' .. ARGV.sequence)
return { 'moved', offset }
