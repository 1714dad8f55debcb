#!lua flags=allow-oom
--[[ cluster/raise — a broker raises the leadership of what it leads already, where a partition
has seen a later one than is written here.
KEYS    brokers controller leaders
ARGV    id token channel changes… (topic id, expected text, next text)
REPLY   raised version
REFUSED fenced | stale ]]
--- @include "session"
--- @include "numeral"
--- @include "judge-leaders"
if not isOfSession(redis.call('HGET', KEYS.brokers, ARGV.id), ARGV.token) then
  return { 'fenced' }
end
local changes = { unpack(ARGV.changes) }
local judged = judgeLeaders(KEYS.leaders, changes)
if #judged.stale > 0 then return { 'stale' } end
local version = (tonumber(redis.call('HGET', KEYS.controller, 'version') or '') or 0) + 1
local keys = { controller = KEYS.controller, leaders = KEYS.leaders }

-- ── writes ──
--- @include "notice"
--- @include "write-leaders"
writeLeaders(keys, changes, judged, numeral(version), ARGV.channel)
return { 'raised', version }
