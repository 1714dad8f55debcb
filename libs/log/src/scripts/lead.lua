#!lua flags=allow-oom
--[[ log/lead — takes a partition for a leadership.

From here on appends of earlier leaderships are refused, whatever their gateways believe. A new
leader epoch begins at the log end, but for the very first leadership of a partition in which
nothing is yet. Who has it already is only answered. So it may be said again, and answers what there
is to know of the log. A full Redis does not stop it, for consumers are to go on.

KEYS    meta
ARGV    leadership epochsMax wake
REPLY   led start next bytes batches largest maxTimestamp epoch epochs confirmed
REFUSED fenced leadership (which the partition has by now) | unknown-partition | newer-format ]]
--- @include "epochs"
local call = redis.call
local fields = { 'start', 'next', 'bytes', 'batches', 'largest', 'maxts', 'epoch', 'epochs',
  'leadership', 'format', 'confirmed' }
local meta = call('HMGET', KEYS.meta, unpack(fields))
if not meta[2] then return { 'unknown-partition' } end
if tonumber(meta[10] or 1) > 1 then return { 'newer-format' } end
local leadership, known = tonumber(ARGV.leadership), tonumber(meta[9] or -1)
if leadership < known then return { 'fenced', known } end

local reply = { 'led' }
for i = 1, 7 do reply[i + 1] = tonumber(meta[i]) end
local logStart, logEnd, epoch, epochs = reply[2], reply[3], reply[8], meta[8] or ''
local begins = leadership > known and (leadership > 0 or logEnd > 0)
if begins then
  epoch = epoch + 1
  epochs = withEpoch(meta[8], epoch, logEnd, logStart, tonumber(ARGV.epochsMax))
end
reply[8], reply[9], reply[10] = epoch, epochs, meta[11] or ''

-- ── writes ──
--- @include "wake"
if leadership > known then call('HSET', KEYS.meta, 'leadership', ARGV.leadership) end
if begins then
  call('HSET', KEYS.meta, 'epoch', string.format('%d', epoch), 'epochs', epochs)
  wake(ARGV.wake, logEnd, logStart, meta[11], epoch)
end
return reply
