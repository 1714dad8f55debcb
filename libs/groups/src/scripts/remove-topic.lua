#!lua flags=allow-oom
--[[ groups/remove-topic — one step in removing a group's offsets of a deleted topic.
KEYS   offsets
ARGV   pattern cursor count
REPLY  cursor; 0 after the last step ]]
local fieldsPerCall = 1000

local scanned = redis.call('HSCAN', KEYS[1], ARGV[2], 'MATCH', ARGV[1], 'COUNT', ARGV[3])
local fields = {}
for at = 1, #scanned[2], 2 do fields[#fields + 1] = scanned[2][at] end

-- ── writes ──
for from = 1, #fields, fieldsPerCall do
  local last = math.min(from + fieldsPerCall - 1, #fields)
  redis.call('HDEL', KEYS[1], unpack(fields, from, last))
end
return scanned[1]
