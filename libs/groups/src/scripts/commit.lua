#!lua flags=allow-oom
--[[ groups/commit — write committed offsets, if the writer owns the group. All get a lineage
above every one that the group has had: whoever reads on from an offset of an older lineage was
overtaken by this commit. It is the time in µs where that is higher, so a lineage does not come
back when the group was deleted in between, or when Redis has lost its last writes. Nothing is
written where the offsets are in a newer format.
A full Redis does not stop it: mostly values are replaced, and consumers must be able to go on.
The offsets are of each partition its field, the offset, the leader epoch and the metadata.
KEYS    state offsets
ARGV    fence format offsets…
REPLY   committed
REFUSED stale | newer ]]
--- @include "in-pieces"
local valuesPerOffset = 4

if redis.call('HGET', KEYS.state, 'fence') ~= ARGV.fence then return { 'stale' } end
local found = redis.call('HMGET', KEYS.offsets, 'format', 'lineage')
if (tonumber(found[1] or 1) or math.huge) > tonumber(ARGV.format) then return { 'newer' } end

local time = redis.call('TIME')
local nowMs = time[1] .. string.format('%03d', math.floor(time[2] / 1000))
local last = tonumber(found[2] or 0) or 0
local lineage = string.format('%.0f', math.max(last + 1, time[1] * 1000000 + time[2]))
local form, stamp = 'v' .. ARGV.format .. ' ', ' ' .. nowMs .. ' ' .. lineage .. ' '
local pairsToSet = { 'lineage', lineage }
for at = 1, #ARGV.offsets, valuesPerOffset do
  local offset, leaderEpoch, metadata = unpack(ARGV.offsets, at + 1, at + 3)
  pairsToSet[#pairsToSet + 1] = ARGV.offsets[at]
  pairsToSet[#pairsToSet + 1] = form .. offset .. ' ' .. leaderEpoch .. stamp .. metadata
end

-- ── writes ──
inPieces(#pairsToSet, function(from, to)
  redis.call('HSET', KEYS.offsets, unpack(pairsToSet, from, to))
end)
return { 'committed' }
