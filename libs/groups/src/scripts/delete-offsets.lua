#!lua flags=allow-oom
--[[ groups/delete-offsets — remove committed offsets, if the caller has seen the last change.
KEYS   state offsets
ARGV   fence fields…
REPLY  deleted | stale ]]
local fieldsPerCall = 1000

if redis.call('HGET', KEYS[1], 'fence') ~= ARGV[1] then return 'stale' end

-- ── writes ──
for from = 2, #ARGV, fieldsPerCall do
  local last = math.min(from + fieldsPerCall - 1, #ARGV)
  redis.call('HDEL', KEYS[2], unpack(ARGV, from, last))
end
return 'deleted'
