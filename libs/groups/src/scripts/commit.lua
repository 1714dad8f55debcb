#!lua flags=allow-oom
--[[ groups/commit — write committed offsets, if the writer has seen the group's last change.
A full Redis does not stop it: mostly values are replaced, and consumers must be able to go on.
KEYS   state offsets
ARGV   fence offsets…
Offsets: for each partition its field, the offset, the leader epoch and the metadata
REPLY  committed | stale ]]
local state, offsets = KEYS[1], KEYS[2]
local valuesPerOffset = 4
local pairsPerCall = 1000

if redis.call('HGET', state, 'fence') ~= ARGV[1] then return 'stale' end

-- ── writes ──
local time = redis.call('TIME')
local now = time[1] .. string.format('%03d', math.floor(time[2] / 1000))
local pairsToSet = {}
for at = 2, #ARGV, valuesPerOffset do
  local value = { ARGV[at + 1], ARGV[at + 2], now, ARGV[at + 3] }
  pairsToSet[#pairsToSet + 1] = ARGV[at]
  pairsToSet[#pairsToSet + 1] = table.concat(value, ' ')
end
for from = 1, #pairsToSet, 2 * pairsPerCall do
  local last = math.min(from + 2 * pairsPerCall - 1, #pairsToSet)
  redis.call('HSET', offsets, unpack(pairsToSet, from, last))
end
return 'committed'
