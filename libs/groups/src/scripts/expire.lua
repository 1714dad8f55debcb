#!lua flags=allow-oom
--[[ groups/expire — one step in removing the old offsets of a group without members, and the
group itself when nothing is left of it. An offset is old when its commit and the group's last
member are. What cannot be read is not old.
KEYS   state offsets
ARGV   retentionMs cursor count format
REPLY  {outcome, cursor, removed}; the cursor is 0 after the last step
       outcome: missing (no such group) | live (it has members) | kept | gone (it was removed) |
       unreadable ]]
local state, offsets = KEYS[1], KEYS[2]
local retentionMs, cursor, count = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local fieldsPerCall = 1000

local exists = redis.call('EXISTS', state) == 1
local found = redis.call('HMGET', state, 'head', 'format', 'emptySince')
local head, format, emptySince = found[1], found[2], found[3]
if exists then
  local isKnown = not format or (tonumber(format) or math.huge) <= tonumber(ARGV[4])
  local isDecoded, decoded = pcall(cjson.decode, head)
  if not (isKnown and isDecoded and type(decoded) == 'table') then
    return { 'unreadable', '0', 0 }
  end
  if decoded.state ~= 'empty' then return { 'live', '0', 0 } end
end

local time = redis.call('TIME')
local oldest = time[1] * 1000 + math.floor(time[2] / 1000) - retentionMs
local old = {}
if exists and (tonumber(emptySince or 0) or math.huge) <= oldest then
  local scanned = redis.call('HSCAN', offsets, cursor, 'COUNT', count)
  cursor = scanned[1]
  for at = 1, #scanned[2], 2 do
    local value = string.gsub(scanned[2][at + 1], '^v2 ', '')
    local committedAt = string.match(value, '^%-?%d+ %-?%d+ (%d+) ')
    if committedAt and tonumber(committedAt) <= oldest then old[#old + 1] = scanned[2][at] end
  end
else
  cursor = '0'
end

-- Beyond these fields of the state there are only ids that have not joined yet.
local own = 0
for _, field in ipairs({ 'fence', 'head', 'format', 'emptySince' }) do
  own = own + redis.call('HEXISTS', state, field)
end
local left = redis.call('HLEN', offsets) - redis.call('HEXISTS', offsets, 'format') - #old
local isGone = exists and left == 0 and redis.call('HLEN', state) == own

-- ── writes ──
if isGone or not exists then
  redis.call('UNLINK', state, offsets)
  return { exists and 'gone' or 'missing', '0', #old }
end
for from = 1, #old, fieldsPerCall do
  redis.call('HDEL', offsets, unpack(old, from, math.min(from + fieldsPerCall - 1, #old)))
end
return { 'kept', cursor, #old }
