#!lua flags=allow-oom
--[[ groups/delete — remove a group with its offsets, if the caller has seen its last change.
KEYS    state offsets
ARGV    fence
REPLY   deleted
REFUSED stale ]]
if redis.call('HGET', KEYS.state, 'fence') ~= ARGV.fence then return { 'stale' } end

-- ── writes ──
redis.call('UNLINK', KEYS.state, KEYS.offsets)
return { 'deleted' }
