#!lua flags=allow-oom
--[[ cluster/assign — the controller writes who leads the partitions of some topics. One that is
no longer the controller is refused, whatever it believes.
KEYS    controller leaders
ARGV    fence channel changes… (topic id, expected text, next text; again and again)
REPLY   assigned version stale… (ids of topics that others have changed)
REFUSED fenced ]]
--- @include "numeral"
--- @include "judge-leaders"
local found = redis.call('HMGET', KEYS.controller, 'fence', 'version')
if found[1] ~= ARGV.fence then return { 'fenced' } end
local changes = { unpack(ARGV.changes) }
local judged = judgeLeaders(KEYS.leaders, changes)
local version = tonumber(found[2] or '') or 0
local keys = { controller = KEYS.controller, leaders = KEYS.leaders }

-- ── writes ──
--- @include "notice"
--- @include "write-leaders"
if #judged.due == 0 then return { 'assigned', version, unpack(judged.stale) } end
writeLeaders(keys, changes, judged, numeral(version + 1), ARGV.channel)
return { 'assigned', version + 1, unpack(judged.stale) }
