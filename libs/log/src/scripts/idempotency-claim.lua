--[[ log/idempotency-claim — notes what a request is going to write, unless it was noted before.

Forgets those that are too old, and the oldest where there are too many; they are answered, so that
what they have left elsewhere can be removed.
KEYS    requests? times?
ARGV    digest request keptMs keptMsMin countMax forgottenMax
REPLY   claimed forgotten… | known request (as it was noted, or was completed)
REFUSED full (all that are remembered are too young to be forgotten) ]]
--- @include "now"
local keptMs, keptMsMin = tonumber(ARGV.keptMs), tonumber(ARGV.keptMsMin)
local nowMs = now()
local known = redis.call('HGET', KEYS.requests, ARGV.digest)
local came = known and tonumber(redis.call('ZSCORE', KEYS.times, ARGV.digest) or 0)
if known and came > nowMs - keptMs then return { 'known', known } end

local count, limit = redis.call('HLEN', KEYS.requests), tonumber(ARGV.forgottenMax)
local old = redis.call('ZRANGEBYSCORE', KEYS.times, '-inf', nowMs - keptMs, 'LIMIT', 0, limit)
if count - #old >= tonumber(ARGV.countMax) then
  old = redis.call('ZRANGEBYSCORE', KEYS.times, '-inf', nowMs - keptMsMin, 'LIMIT', 0, limit)
  if #old == 0 then return { 'full' } end
end
local forgotten = {}
for i = 1, #old do
  forgotten[i] = redis.call('HGET', KEYS.requests, old[i]) or ''
end

-- ── writes ──
if #old > 0 then
  redis.call('HDEL', KEYS.requests, unpack(old))
  redis.call('ZREM', KEYS.times, unpack(old))
end
redis.call('HSET', KEYS.requests, ARGV.digest, ARGV.request)
redis.call('ZADD', KEYS.times, nowMs, ARGV.digest)
return { 'claimed', unpack(forgotten) }
