--[[ log/idempotency-complete — notes the outcome of a request in the place of what it was to write.

Only what was noted is replaced: of two that do the same request at once the first to end tells
both what came of it.
KEYS    requests?
ARGV    digest noted completed
REPLY   completed
REFUSED other request (somebody else completed it; '' where it is not remembered any more) ]]
local stored = redis.call('HGET', KEYS.requests, ARGV.digest)
if stored ~= ARGV.noted then return { 'other', stored or '' } end

-- ── writes ──
redis.call('HSET', KEYS.requests, ARGV.digest, ARGV.completed)
return { 'completed' }
