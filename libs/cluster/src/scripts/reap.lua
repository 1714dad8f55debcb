#!lua flags=allow-oom
--[[ cluster/reap — the controller takes the brokers out whose sessions are over. A session that
ends later than any can, as after the clock of Redis went back, or of which no end is known, ends
like one that was renewed now.
KEYS    brokers sessions controller
ARGV    fence sessionMs longestMs quietMs channel
REPLY   reaped ids…
REFUSED fenced ]]
--- @include "now"
--- @include "tenure"
--- @include "numeral"
if redis.call('HGET', KEYS.controller, 'fence') ~= ARGV.fence then return { 'fenced' } end
local nowMs = now()
local tenure = tenureOf(KEYS.controller, nowMs, ARGV.quietMs, ARGV.sessionMs)
local over, odd = {}, {}
local entries = redis.call('HGETALL', KEYS.brokers)
for at = 1, #entries, 2 do
  local id = entries[at]
  local untilMs = tonumber(redis.call('ZSCORE', KEYS.sessions, id) or '')
  if id ~= '#' and (not untilMs or untilMs > nowMs + tonumber(ARGV.longestMs)) then
    table.insert(odd, id)
  elseif id ~= '#' and id ~= tenure.holder and isOver(KEYS.sessions, id, nowMs, tenure) then
    table.insert(over, id)
  end
end
local version = numeral(tenure.version + 1)
local changed = {}
for index, id in ipairs(over) do changed[index] = '"' .. id .. '":null' end

-- ── writes ──
--- @include "notice"
for _, id in ipairs(odd) do
  redis.call('ZADD', KEYS.sessions, numeral(nowMs + tonumber(ARGV.sessionMs)), id)
end
if #over == 0 then return { 'reaped' } end
redis.call('HDEL', KEYS.brokers, unpack(over))
redis.call('ZREM', KEYS.sessions, unpack(over))
redis.call('HSET', KEYS.controller, 'version', version)
notify(ARGV.channel, version, '"brokers":{' .. table.concat(changed, ',') .. '}')
return { 'reaped', unpack(over) }
