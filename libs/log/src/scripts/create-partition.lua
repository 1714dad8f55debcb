#!lua
--[[ log/create-partition — makes an empty partition, unless it is there.

All keys that log/append names are made with it: while a slot of a Redis Cluster moves, a script
whose keys do not all exist is not run. A stream may be empty; a hash may not, so the hashes of
producers and of deliveries have a field of no producer and no group, which tells the form of the
others.

KEYS    meta? log? producers? spans? delivery?
ARGV    reservation
REPLY   created
REFUSED exists ]]
--- @include "now"
--- @include "reservation"
if redis.call('EXISTS', KEYS.meta) == 1 then return { 'exists' } end
local _, first = reservationTerms(ARGV.reservation)
local one = readReservation(KEYS.meta, 0, first)
one.extended = now()

-- ── writes ──
--- @include "make-stream"
redis.call('HSET', KEYS.meta, 'next', '0', 'start', '0', 'maxts', '-1', 'bytes', '0',
  'batches', '0', 'largest', '0', 'epoch', '0', 'format', '1', 'span', '0 -1 -1')
redis.call('HSET', KEYS.meta, unpack(reservationFields(one)))
redis.call('HSET', KEYS.producers, 'format', '1')
redis.call('HSET', KEYS.delivery, 'format', '1')
makeStream(KEYS.log)
makeStream(KEYS.spans)
return { 'created' }
