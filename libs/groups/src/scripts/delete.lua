#!lua flags=allow-oom
--[[ groups/delete — remove a group with its offsets, if the caller has seen its last change.
KEYS   state offsets
ARGV   fence
REPLY  deleted | stale ]]
if redis.call('HGET', KEYS[1], 'fence') ~= ARGV[1] then return 'stale' end

-- ── writes ──
redis.call('UNLINK', KEYS[1], KEYS[2])
return 'deleted'
