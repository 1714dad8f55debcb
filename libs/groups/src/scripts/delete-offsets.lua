#!lua flags=allow-oom
--[[ groups/delete-offsets — remove committed offsets, if the caller has seen the last change.
KEYS    state offsets
ARGV    fence fields…
REPLY   deleted
REFUSED stale ]]
--- @include "in-pieces"
if redis.call('HGET', KEYS.state, 'fence') ~= ARGV.fence then return { 'stale' } end

-- ── writes ──
inPieces(#ARGV.fields, function(from, to)
  redis.call('HDEL', KEYS.offsets, unpack(ARGV.fields, from, to))
end)
return { 'deleted' }
