#!lua flags=allow-oom
--[[ groups/heartbeat — let the session of a member go on, by Redis' clock. A session that is over
stays so, even if nobody has removed the member yet: others may have read that it is. The revision
rises with all that the member is told. Where a look for sessions that are over is due, one member
is told so, and the next only if that one has not done it within the claim.
A full Redis does not stop it, as consumers must be able to drain the log.
KEYS    state?
ARGV    memberId memberEpoch sessionTimeoutMs claimMs
REPLY   alive revision isLookDue
REFUSED fenced ]]
--- @include "now"
local fields = { 'mark/' .. ARGV.memberId, 'until/' .. ARGV.memberId, 'lookAt' }
local found = redis.call('HMGET', KEYS.state, unpack(fields))
local epoch, revision = string.match(found[1] or '', '^(%d+) (%d+)$')
if epoch ~= ARGV.memberEpoch then return { 'fenced' } end
local nowMs = now()
if (tonumber(found[2] or 0) or 0) <= nowMs then return { 'fenced' } end
local isLookDue = (tonumber(found[3] or 0) or 0) <= nowMs
local untilMs = string.format('%.0f', nowMs + tonumber(ARGV.sessionTimeoutMs))
local lookAtMs = string.format('%.0f', nowMs + tonumber(ARGV.claimMs))

-- ── writes ──
redis.call('HSET', KEYS.state, fields[2], untilMs)
if isLookDue then redis.call('HSET', KEYS.state, 'lookAt', lookAtMs) end
return { 'alive', tonumber(revision), isLookDue and 1 or 0 }
