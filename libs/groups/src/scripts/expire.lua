#!lua flags=allow-oom
--[[ groups/expire — one step in removing the old offsets of a group without members, and the
group itself when nothing is left of it. An offset is old when its commit and the group's last
member are.
KEYS   state offsets
ARGV   retentionMs cursor count
REPLY  {outcome, cursor, removed}; the cursor is 0 after the last step
       outcome: missing (no such group) | live (it has members) | kept | gone (it was removed) ]]
local state, offsets = KEYS[1], KEYS[2]
local retentionMs, cursor, count = tonumber(ARGV[1]), ARGV[2], ARGV[3]

local head = redis.call('HGET', state, 'head')
if not head then
  redis.call('UNLINK', offsets)
  return { 'missing', '0', 0 }
end
if cjson.decode(head).state ~= 'empty' then return { 'live', '0', 0 } end

local time = redis.call('TIME')
local oldest = time[1] * 1000 + math.floor(time[2] / 1000) - retentionMs
local emptySince = redis.call('HGET', state, 'emptySince')
local isEmptyLongEnough = tonumber(emptySince or 0) <= oldest

local removed = 0
if isEmptyLongEnough then
  local scanned = redis.call('HSCAN', offsets, cursor, 'COUNT', count)
  cursor = scanned[1]
  for at = 1, #scanned[2], 2 do
    local committedAt = string.match(scanned[2][at + 1], '^%S+ %S+ (%d+)')
    if tonumber(committedAt) <= oldest then
      removed = removed + redis.call('HDEL', offsets, scanned[2][at])
    end
  end
else
  cursor = '0'
end

-- Beyond fence, head and emptySince there are only ids that have not joined yet.
local ownFields = emptySince and 3 or 2
if redis.call('EXISTS', offsets) == 0 and redis.call('HLEN', state) == ownFields then
  redis.call('UNLINK', state)
  return { 'gone', '0', removed }
end
return { 'kept', cursor, removed }
