--[[ jobs/take-failed — takes the oldest failed jobs that nobody has taken, for leaseMs. A score of
`taken` is the time (ms) until which the job is somebody's.
KEYS   failed? taken?
ARGV   leaseMs countMax
REPLY  taken ids… ]]
--- @include "now"
local nowMs = now()
local countMax = tonumber(ARGV.countMax)
local others = redis.call('ZCOUNT', KEYS.taken, nowMs, '+inf')
local free = { 'taken' }
for _, id in ipairs(redis.call('ZRANGE', KEYS.failed, 0, others + countMax - 1)) do
  local untilMs = redis.call('ZSCORE', KEYS.taken, id)
  if not untilMs or tonumber(untilMs) < nowMs then free[#free + 1] = id end
  if #free > countMax then break end
end

-- ── writes ──
redis.call('ZREMRANGEBYSCORE', KEYS.taken, '-inf', '(' .. nowMs)
for i = 2, #free do
  redis.call('ZADD', KEYS.taken, nowMs + tonumber(ARGV.leaseMs), free[i])
end
return free
