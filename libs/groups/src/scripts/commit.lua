#!lua flags=allow-oom
--[[ groups/commit — write committed offsets, if the writer owns the group. Each gets a lineage above
the one it had: whoever reads on from an offset of an older lineage was overtaken by this commit. It
is the time in µs where that is higher, so a lineage does not come back when an offset was deleted in
between, or when Redis has lost its last writes.
A full Redis does not stop it: mostly values are replaced, and consumers must be able to go on.
KEYS   state offsets
ARGV   fence offsets…
Offsets: for each partition its field, the offset, the leader epoch and the metadata
REPLY  committed | stale | newer (an offset is stored in a format that is not known here) ]]
local state, offsets = KEYS[1], KEYS[2]
local valuesPerOffset = 4
local fieldsPerCall = 1000
local format = 'v2'

if redis.call('HGET', state, 'fence') ~= ARGV[1] then return 'stale' end

local fields = {}
for at = 2, #ARGV, valuesPerOffset do fields[#fields + 1] = ARGV[at] end
local before = {}
for from = 1, #fields, fieldsPerCall do
  local last = math.min(from + fieldsPerCall - 1, #fields)
  for _, value in ipairs(redis.call('HMGET', offsets, unpack(fields, from, last))) do
    before[#before + 1] = value
  end
end

local time = redis.call('TIME')
local nowMs = time[1] .. string.format('%03d', math.floor(time[2] / 1000))
local nowMicros = time[1] * 1000000 + time[2]
local pairsToSet = {}
for index, field in ipairs(fields) do
  local found = before[index] or ''
  local foundFormat = string.match(found, '^(v%d+) ')
  if foundFormat and foundFormat ~= format then return 'newer' end
  local lineage = tonumber(string.match(found, '^v2 %S+ %S+ %S+ (%d+) ') or 0)
  lineage = string.format('%.0f', math.max(lineage + 1, nowMicros))
  local at = 2 + (index - 1) * valuesPerOffset
  local value = { format, ARGV[at + 1], ARGV[at + 2], nowMs, lineage, ARGV[at + 3] }
  pairsToSet[#pairsToSet + 1] = field
  pairsToSet[#pairsToSet + 1] = table.concat(value, ' ')
end

-- ── writes ──
for from = 1, #pairsToSet, 2 * fieldsPerCall do
  local last = math.min(from + 2 * fieldsPerCall - 1, #pairsToSet)
  redis.call('HSET', offsets, unpack(pairsToSet, from, last))
end
return 'committed'
