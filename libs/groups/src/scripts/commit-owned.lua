#!lua flags=allow-oom
--[[ groups/commit-owned — write the offsets that a member of a group with assignment by the server
has come to by its own acknowledgements. So each keeps its lineage; one that had no offset yet gets
a new one, made as in groups/commit. Only partitions that the member has, in the epoch in which it
was given them, are written; what became of each is told by its lineage, 0 for one that it does not
have. A call that comes later than one of a higher sequence, on a connection that was given up, is
refused, so that it cannot move an offset back.
A full Redis does not stop it, as consumers must be able to go on.
The offsets are of each partition its field, the owner epoch, the offset, the leader epoch and the
metadata.
KEYS    state offsets
ARGV    memberId memberEpoch sequence format offsets…
REPLY   committed lineages…
REFUSED fenced | late | newer ]]
--- @include "in-pieces"
local valuesPerOffset = 5
local mark, sequence = 'mark/' .. ARGV.memberId, 'sequence/' .. ARGV.memberId
local found = redis.call('HMGET', KEYS.state, mark, sequence, 'until/' .. ARGV.memberId)
if string.match(found[1] or '', '^(%d+) ') ~= ARGV.memberEpoch then return { 'fenced' } end
local time = redis.call('TIME')
local nowMs = time[1] .. string.format('%03d', math.floor(time[2] / 1000))
if (tonumber(found[3] or 0) or 0) <= tonumber(nowMs) then return { 'fenced' } end
local last = string.match(found[2] or '', '^' .. ARGV.memberEpoch .. ' (%d+)$')
if tonumber(last or 0) >= tonumber(ARGV.sequence) then return { 'late' } end
local head = redis.call('HMGET', KEYS.offsets, 'format', 'lineage')
if (tonumber(head[1] or 1) or math.huge) > tonumber(ARGV.format) then return { 'newer' } end

local lastLineage = tonumber(head[2] or 0) or 0
local fresh =
  string.format('%.0f', math.max(lastLineage + 1, time[1] * 1000000 + time[2]))
local reply, pairsToSet, isFreshUsed = { 'committed' }, {}, false
for at = 1, #ARGV.offsets, valuesPerOffset do
  local field = ARGV.offsets[at]
  local ownerEpoch, offset, leaderEpoch, metadata = unpack(ARGV.offsets, at + 1, at + 4)
  local lineage = '0'
  if redis.call('HGET', KEYS.state, 'owner/' .. field) == ownerEpoch .. ' ' .. ARGV.memberId then
    local before = redis.call('HGET', KEYS.offsets, field) or ''
    lineage = string.match(before, '^v2 %-?%d+ %-?%d+ %d+ (%d+) ')
    if not lineage then lineage, isFreshUsed = fresh, true end
    local value = offset .. ' ' .. leaderEpoch .. ' ' .. nowMs .. ' ' .. lineage .. ' ' .. metadata
    pairsToSet[#pairsToSet + 1] = field
    pairsToSet[#pairsToSet + 1] = 'v' .. ARGV.format .. ' ' .. value
  end
  reply[#reply + 1] = tonumber(lineage)
end
if isFreshUsed then
  pairsToSet[#pairsToSet + 1] = 'lineage'
  pairsToSet[#pairsToSet + 1] = fresh
end

-- ── writes ──
redis.call('HSET', KEYS.state, sequence, ARGV.memberEpoch .. ' ' .. ARGV.sequence)
inPieces(#pairsToSet, function(from, to)
  redis.call('HSET', KEYS.offsets, unpack(pairsToSet, from, to))
end)
return reply
