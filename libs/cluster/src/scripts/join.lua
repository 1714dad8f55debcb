#!lua flags=allow-oom
--[[ cluster/join — take a broker's id for a session. An id that another holds is taken only where
that one has held the same place on the same host, which only the process that listens there can
claim; where it is another session of the same process; or where its session is over. −1 asks for
the id of that place, and else for the lowest free one. Makes all keys of the cluster that are not
there: while a slot of a Redis Cluster moves, a script whose keys do not all exist is not run, so
each has a field or member that is nothing else's.
KEYS    brokers? sessions? controller? leaders?
ARGV    wantedId firstId process token takesPlace place sessionMs quietMs description channel
REPLY   joined id entry former (the entry that was there, or nothing) |
        held id entry renewedUntilMs leftMs (until the session is over) ]]
--- @include "now"
--- @include "session"
--- @include "tenure"
--- @include "numeral"
local nowMs = now()
local tenure = tenureOf(KEYS.controller, nowMs, ARGV.quietMs, ARGV.sessionMs)
local ownStart = '{"token":"' .. ARGV.process .. '.'
local function isOurs(entry)
  if string.sub(entry, 1, #ownStart) == ownStart then return true end
  return ARGV.takesPlace == '1' and string.match(entry, '"place":"([^"]*)"') == ARGV.place
end
local function isFree(id, entry)
  return not entry or isOurs(entry) or isOver(KEYS.sessions, id, nowMs, tenure)
end

local id = tonumber(ARGV.wantedId)
if id < 0 then
  local found = redis.call('HGETALL', KEYS.brokers)
  local entries = {}
  for at = 1, #found, 2 do
    local holder = tonumber(found[at])
    if holder then
      entries[holder] = found[at + 1]
      if isOurs(found[at + 1]) then id = holder end
    end
  end
  if id < 0 then
    id = tonumber(ARGV.firstId)
    while not isFree(id, entries[id]) do id = id + 1 end
  end
end
local former = redis.call('HGET', KEYS.brokers, id)
local isHeld = not isFree(id, former)
local heldUntilMs = tonumber(redis.call('ZSCORE', KEYS.sessions, id) or '') or 0
local leftMs = math.max(0, math.max(heldUntilMs, tenure.graceUntil) - nowMs)
local head = '{"token":"' .. ARGV.token .. '","place":"' .. ARGV.place .. '","joinedAtMs":'
local entry = head .. numeral(nowMs) .. ',' .. string.sub(ARGV.description, 2)
local version = numeral(tenure.version + 1)

-- ── writes ──
--- @include "notice"
redis.call('HSET', KEYS.controller, 'format', '1', 'beatAt', numeral(nowMs),
  'graceUntil', numeral(tenure.graceUntil))
if isHeld then return { 'held', id, former, heldUntilMs, leftMs } end
redis.call('HSET', KEYS.brokers, '#', '{"format":1}', id, entry)
redis.call('ZADD', KEYS.sessions, '+inf', '#', numeral(nowMs + tonumber(ARGV.sessionMs)), id)
redis.call('HSETNX', KEYS.leaders, '#', '{"format":1}')
redis.call('HSET', KEYS.controller, 'version', version)
notify(ARGV.channel, version, '"brokers":{"' .. id .. '":' .. entry .. '}')
return { 'joined', id, entry, former or '' }
