#!lua flags=allow-oom
--[[ log/settle — keeps fewer offsets free for a partition that needs fewer, so that it would jump
less after a loss. Lowering the bound is safe at any time, for nothing beyond it was given out.

KEYS    meta
ARGV    reservation quietMs
REPLY   settled reserved
REFUSED unknown-partition | newer-format ]]
--- @include "now"
--- @include "reservation"
local stored = redis.call('HMGET', KEYS.meta, 'next', 'reserved', 'format')
if not stored[1] then return { 'unknown-partition' } end
if tonumber(stored[3] or 1) > 1 then return { 'newer-format' } end
local nowMs, _, first, least = now(), reservationTerms(ARGV.reservation)
local logEnd = tonumber(stored[1])
local one = readReservation(KEYS.meta, logEnd, first)
local free = one.reserved - one.usable
if free < least then
  one.reserved, one.extended = one.usable + least, nowMs
elseif stored[2] and nowMs - one.extended > tonumber(ARGV.quietMs) then
  free = math.max(least, math.floor(free / 4))
  one.usable = math.min(one.usable, logEnd + free)
  one.reserved = math.min(one.reserved, one.usable + free)
end

-- ── writes ──
redis.call('HSET', KEYS.meta, unpack(reservationFields(one)))
return { 'settled', one.reserved }
