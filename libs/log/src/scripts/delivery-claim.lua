#!lua flags=allow-oom
--[[ log/delivery-claim — takes a partition for the member of a group to which it was granted.

The newest grant has it: one with a lower owner epoch is refused, and of one epoch there is one
member. Where the committed offset has the lineage that the progress was made for, nobody but the
group's members has moved it since: what is pending stays so, and the progress counts, which is
never behind. Any other lineage: the group begins anew at the committed offset, with nothing
pending. So does one whose progress is not there. A progress beyond the log end, which was set by
hand, becomes the log end: what is written next is read.

A full Redis does not stop it, for consumers are to go on. Saying it again is harmless.

KEYS    meta log delivery?
ARGV    group member epoch committed lineage
REPLY   claimed progress logStart logEnd entryBytes (on average)
REFUSED fenced epoch | unknown-partition | newer-format ]]
--- @include "delivery"
local call, field = redis.call, 'g/' .. ARGV.group
local epoch = tonumber(ARGV.epoch)
local meta = call('HMGET', KEYS.meta, 'start', 'next', 'format', 'bytes', 'batches')
if not meta[1] then return { 'unknown-partition' } end
local found = call('HMGET', KEYS.delivery, 'format', field)
if tonumber(meta[3] or 1) > 1 or tonumber(found[1] or 1) > 1 then return { 'newer-format' } end
local held = readDelivery(found[2])
if ownership(held, epoch, ARGV.member) == 'fenced' then return { 'fenced', held.epoch } end

local logStart, logEnd = tonumber(meta[1]), tonumber(meta[2])
local goesOn = held ~= nil and held.lineage == ARGV.lineage
local progress = goesOn and held.progress or tonumber(ARGV.committed)
if progress > logEnd then
  progress = logEnd
  goesOn = false
end
local delivered = deliveredUpTo(KEYS.log, ARGV.group)
local entryBytes = math.floor(tonumber(meta[4]) / math.max(1, tonumber(meta[5])))

-- ── writes ──
if delivered and not goesOn then call('XGROUP', 'DESTROY', KEYS.log, ARGV.group) end
if not delivered or not goesOn then
  call('XGROUP', 'CREATE', KEYS.log, ARGV.group, deliverFrom(progress, logEnd))
end
call('HSET', KEYS.delivery, 'format', '1',
  field, deliveryText(epoch, ARGV.lineage, progress, ARGV.member))
return { 'claimed', progress, logStart, logEnd, entryBytes }
