#!lua flags=allow-oom
--[[ cluster/tell — replace what a broker tells of itself, as that it is about to leave.
KEYS    brokers controller
ARGV    id token entry channel
REPLY   told
REFUSED fenced ]]
--- @include "session"
--- @include "numeral"
local entry = redis.call('HGET', KEYS.brokers, ARGV.id)
if not isOfSession(entry, ARGV.token) then return { 'fenced' } end
local version = numeral((tonumber(redis.call('HGET', KEYS.controller, 'version') or '') or 0) + 1)

-- ── writes ──
--- @include "notice"
redis.call('HSET', KEYS.brokers, ARGV.id, ARGV.entry)
redis.call('HSET', KEYS.controller, 'version', version)
notify(ARGV.channel, version, '"brokers":{"' .. ARGV.id .. '":' .. ARGV.entry .. '}')
return { 'told' }
