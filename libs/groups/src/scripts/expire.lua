#!lua flags=allow-oom
--[[ groups/expire — one step in removing the old offsets of a group without members, and the
group itself when nothing is left of it. An offset is old when its commit and the group's last
member are; what cannot be read is not old. A group that is live has members, of the engine that is
told. The cursor is 0 after the last step.
KEYS    state? offsets?
ARGV    retentionMs cursor count format
REPLY   missing | gone removed | kept cursor removed
REFUSED live engine | unreadable ]]
--- @include "now"
--- @include "in-pieces"
--- @include "is-hash"
if not (isHash(KEYS.state) and isHash(KEYS.offsets)) then return { 'unreadable' } end
local exists = redis.call('EXISTS', KEYS.state) == 1
local found = redis.call('HMGET', KEYS.state, 'head', 'format', 'emptySince')
local head, format, emptySince = found[1], found[2], tonumber(found[3] or 0) or math.huge
if exists then
  local isKnown = not format or (tonumber(format) or math.huge) <= tonumber(ARGV.format)
  -- The head is JSON that begins with the state (see group-codec.ts of both engines).
  local groupState = string.match(head or '', '^{"state":"([%l-]+)"')
  if not (isKnown and groupState) then return { 'unreadable' } end
  if groupState ~= 'empty' then
    return { 'live', string.match(head, '^{"state":"[%l-]+","engine":"(%l+)"') or 'classic' }
  end
end

local oldest = now() - tonumber(ARGV.retentionMs)
local old, cursor = {}, '0'
if exists and emptySince <= oldest then
  local scanned = redis.call('HSCAN', KEYS.offsets, ARGV.cursor, 'COUNT', ARGV.count)
  cursor = scanned[1]
  for at = 1, #scanned[2], 2 do
    local value = string.gsub(scanned[2][at + 1], '^v2 ', '')
    local committedAt = string.match(value, '^%-?%d+ %-?%d+ (%d+) ')
    if committedAt and tonumber(committedAt) <= oldest then old[#old + 1] = scanned[2][at] end
  end
end

-- Beyond these fields of the state there are only ids that have not joined yet.
local ownCount = 0
for _, field in ipairs({ 'fence', 'head', 'format', 'emptySince' }) do
  ownCount = ownCount + redis.call('HEXISTS', KEYS.state, field)
end
local hasPending = redis.call('HLEN', KEYS.state) > ownCount
local offsetCount = redis.call('HLEN', KEYS.offsets)
for _, field in ipairs({ 'format', 'lineage' }) do
  offsetCount = offsetCount - redis.call('HEXISTS', KEYS.offsets, field)
end

-- ── writes ──
if not exists then
  redis.call('UNLINK', KEYS.offsets)
  return { 'missing' }
end
if offsetCount == #old and not hasPending then
  redis.call('UNLINK', KEYS.state, KEYS.offsets)
  return { 'gone', #old }
end
inPieces(#old, function(from, to) redis.call('HDEL', KEYS.offsets, unpack(old, from, to)) end)
return { 'kept', cursor, #old }
