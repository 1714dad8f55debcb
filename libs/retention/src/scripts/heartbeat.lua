#!lua flags=allow-oom
--[[ retention/heartbeat — a worker is there. The score is the time (ms) until which that counts;
who has been silent for longer is forgotten.
KEYS   workers?
ARGV   worker lastsMs
REPLY  alive ]]
--- @include "now"
local nowMs = now()

-- ── writes ──
redis.call('ZREMRANGEBYSCORE', KEYS.workers, '-inf', nowMs)
redis.call('ZADD', KEYS.workers, nowMs + tonumber(ARGV.lastsMs), ARGV.worker)
return { 'alive' }
