#!lua flags=allow-oom
--[[ cluster/heartbeat — let a broker's session go on, by Redis' clock. Where nobody is the
controller, or the session of who was is over, this broker becomes it, if it may: its fence is
`<epoch>/<mark>`, of which the epoch rises with each tenure, and the mark is one that no other
history of this Redis can have. It costs the same for any number of partitions.
KEYS    brokers sessions controller leaders
ARGV    id token sessionMs quietMs mark channel
REPLY   alive version leaderCount (of fields) controllerId fence endsInMs (−1: no other session)
REFUSED fenced ]]
--- @include "now"
--- @include "session"
--- @include "tenure"
--- @include "numeral"
local entry = redis.call('HGET', KEYS.brokers, ARGV.id)
if not isOfSession(entry, ARGV.token) then return { 'fenced' } end
local nowMs = now()
local tenure = tenureOf(KEYS.controller, nowMs, ARGV.quietMs, ARGV.sessionMs)
local holder = tenure.holder
local isHeld = holder ~= '' and (holder == ARGV.id and tenure.token == ARGV.token
  or holder ~= ARGV.id and isOfSession(redis.call('HGET', KEYS.brokers, holder), tenure.token)
    and not isOver(KEYS.sessions, holder, nowMs, tenure))
-- The sessions were removed by hand; one that nobody renews has to end all the same.
local isEndless = isHeld and not redis.call('ZSCORE', KEYS.sessions, holder)
local takes = not isHeld and ARGV.mark ~= ''
local endsInMs = -1
local firstOnes = redis.call('ZRANGE', KEYS.sessions, 0, 1, 'WITHSCORES')
for at = #firstOnes - 1, 1, -2 do
  local untilMs = tonumber(firstOnes[at + 1])
  if tonumber(firstOnes[at]) and firstOnes[at] ~= ARGV.id then
    endsInMs = math.max(0, math.max(untilMs, tenure.graceUntil) - nowMs)
  end
end
if takes then
  local epoch = tonumber(string.match(tenure.fence, '^(%d+)/') or '') or 0
  tenure.holder, tenure.token, tenure.version = ARGV.id, ARGV.token, tenure.version + 1
  tenure.fence = numeral(epoch + 1) .. '/' .. ARGV.mark
end
local leaderCount = redis.call('HLEN', KEYS.leaders)
local version = numeral(tenure.version)

-- ── writes ──
--- @include "notice"
local untilMs = numeral(nowMs + tonumber(ARGV.sessionMs))
redis.call('ZADD', KEYS.sessions, untilMs, ARGV.id)
if isEndless then redis.call('ZADD', KEYS.sessions, 'NX', untilMs, holder) end
redis.call('HSET', KEYS.controller, 'beatAt', numeral(nowMs),
  'graceUntil', numeral(tenure.graceUntil), 'version', version)
if takes then
  redis.call('HSET', KEYS.controller, 'holder', ARGV.id, 'token', ARGV.token,
    'fence', tenure.fence)
  notify(ARGV.channel, version, '"controllerId":' .. ARGV.id)
end
local isOwn = tenure.holder == ARGV.id and tenure.token == ARGV.token
local controllerId = isHeld or takes
return { 'alive', tenure.version, leaderCount, controllerId and tonumber(tenure.holder) or -1,
  isOwn and tenure.fence or '', endsInMs }
