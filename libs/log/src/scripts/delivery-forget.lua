#!lua flags=allow-oom
--[[ log/delivery-forget — removes what a partition keeps of a group that is gone, with the
stream's consumer group, if it is still what was seen: so a group that has begun anew meanwhile
loses nothing.

KEYS    log delivery
ARGV    group seen
REPLY   forgotten
REFUSED changed ]]
local field = 'g/' .. ARGV.group
if redis.call('HGET', KEYS.delivery, field) ~= ARGV.seen then return { 'changed' } end

-- ── writes ──
redis.call('XGROUP', 'DESTROY', KEYS.log, ARGV.group)
redis.call('HDEL', KEYS.delivery, field, 's/' .. ARGV.group)
return { 'forgotten' }
