#!lua flags=allow-oom
--[[ groups/commit — write committed offsets, if the writer owns the group. Each gets a lineage
above the one it had: whoever reads on from an offset of an older lineage was overtaken by this
commit. It is the time in µs where that is higher, so a lineage does not come back when an offset
was deleted in between, or when Redis has lost its last writes. A full Redis does not stop it:
mostly values are replaced, and consumers must be able to go on. The offsets are of each partition
its field, the offset, the leader epoch and the metadata. Where one of them is stored in a format
that is not known here, nothing is written.
KEYS    state offsets
ARGV    fence offsets…
REPLY   committed
REFUSED stale | newer ]]
--- @include "in-pieces"
local valuesPerOffset = 4
local format = 'v2'

if redis.call('HGET', KEYS.state, 'fence') ~= ARGV.fence then return { 'stale' } end

local fields = {}
for at = 1, #ARGV.offsets, valuesPerOffset do fields[#fields + 1] = ARGV.offsets[at] end
local before = {}
inPieces(#fields, function(from, to)
  for _, value in ipairs(redis.call('HMGET', KEYS.offsets, unpack(fields, from, to))) do
    before[#before + 1] = value or ''
  end
end)

local time = redis.call('TIME')
local nowMs = time[1] .. string.format('%03d', math.floor(time[2] / 1000))
local nowMicros = time[1] * 1000000 + time[2]
local pairsToSet = {}
for index, field in ipairs(fields) do
  local foundFormat = string.match(before[index], '^(v%d+) ')
  if foundFormat and foundFormat ~= format then return { 'newer' } end
  local lineage = tonumber(string.match(before[index], '^v2 %S+ %S+ %S+ (%d+) ') or 0)
  lineage = string.format('%.0f', math.max(lineage + 1, nowMicros))
  local at = (index - 1) * valuesPerOffset
  local offset, leaderEpoch = ARGV.offsets[at + 2], ARGV.offsets[at + 3]
  local value = { format, offset, leaderEpoch, nowMs, lineage, ARGV.offsets[at + 4] }
  pairsToSet[#pairsToSet + 1] = field
  pairsToSet[#pairsToSet + 1] = table.concat(value, ' ')
end

-- ── writes ──
inPieces(#pairsToSet, function(from, to)
  redis.call('HSET', KEYS.offsets, unpack(pairsToSet, from, to))
end)
return { 'committed' }
