#!lua flags=allow-oom
--[[ cluster/leave — end a broker's session, and its tenure as the controller.
KEYS    brokers sessions controller
ARGV    id token channel
REPLY   left
REFUSED fenced ]]
--- @include "session"
--- @include "numeral"
local entry = redis.call('HGET', KEYS.brokers, ARGV.id)
if not isOfSession(entry, ARGV.token) then return { 'fenced' } end
local found = redis.call('HMGET', KEYS.controller, 'token', 'fence', 'version')
local isController = found[1] == ARGV.token
-- The epoch stays, and nobody has such a fence.
local fence = (string.match(found[2] or '', '^(%d+)/') or '0') .. '/'
local version = numeral((tonumber(found[3] or '') or 0) + 1)

-- ── writes ──
--- @include "notice"
redis.call('HDEL', KEYS.brokers, ARGV.id)
redis.call('ZREM', KEYS.sessions, ARGV.id)
redis.call('HSET', KEYS.controller, 'version', version)
local changed = '"brokers":{"' .. ARGV.id .. '":null}'
if isController then
  redis.call('HSET', KEYS.controller, 'holder', '', 'token', '', 'fence', fence)
  changed = changed .. ',"controllerId":-1'
end
notify(ARGV.channel, version, changed)
return { 'left' }
