#!lua flags=allow-oom
--[[ log/delivery-ack — notes how far the owner of a partition has come, and acknowledges the
entries that lie wholly below that.

A full Redis does not stop it: it frees memory. Saying it again is harmless.

KEYS    log delivery
ARGV    group member epoch progress ids…
REPLY   acknowledged
REFUSED fenced | unclaimed ]]
--- @include "delivery"
local field, epoch = 'g/' .. ARGV.group, tonumber(ARGV.epoch)
local held = readDelivery(redis.call('HGET', KEYS.delivery, field))
local whose = ownership(held, epoch, ARGV.member)
if whose ~= 'mine' then return { whose } end
local text = deliveryText(epoch, held.lineage, tonumber(ARGV.progress), ARGV.member)

-- ── writes ──
if #ARGV.ids > 0 then redis.call('XACK', KEYS.log, ARGV.group, unpack(ARGV.ids)) end
redis.call('HSET', KEYS.delivery, field, text)
return { 'acknowledged' }
