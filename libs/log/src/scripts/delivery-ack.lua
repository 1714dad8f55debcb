#!lua flags=allow-oom
--[[ log/delivery-ack — notes how far the owner of a partition has come, and acknowledges the
entries that lie wholly below that.

A full Redis does not stop it: it frees memory. Saying it again is harmless, with a new number.

KEYS    log delivery
ARGV    group member epoch sequence progress ids…
REPLY   acknowledged
REFUSED fenced | unclaimed | late ]]
--- @include "delivery"
local field, numbers, epoch = 'g/' .. ARGV.group, 's/' .. ARGV.group, tonumber(ARGV.epoch)
local found = redis.call('HMGET', KEYS.delivery, field, numbers)
local held = readDelivery(found[1])
local whose = ownership(held, epoch, ARGV.member)
if whose ~= 'mine' then return { whose } end
if isLate(found[2], epoch, ARGV.sequence) then return { 'late' } end
local text = deliveryText(epoch, held.lineage, tonumber(ARGV.progress), ARGV.member)

-- ── writes ──
if #ARGV.ids > 0 then redis.call('XACK', KEYS.log, ARGV.group, unpack(ARGV.ids)) end
redis.call('HSET', KEYS.delivery, field, text, numbers, ARGV.epoch .. ' ' .. ARGV.sequence)
return { 'acknowledged' }
