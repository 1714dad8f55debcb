-- What the hash `controller` tells, and what it has to tell after this call.
--
-- Every heartbeat of any gateway is noted there (`beatAt`). Where there was none for long, or the
-- clock went back, it was Redis that was away, and not one gateway: then no session is over before
-- everybody has had the time to come back (`graceUntil`).
local function tenureOf(key, nowMs, quietMs, sessionMs)
  local names = { 'holder', 'token', 'fence', 'version', 'beatAt', 'graceUntil' }
  local found = redis.call('HMGET', key, unpack(names))
  local tenure = {
    holder = found[1] or '', token = found[2] or '', fence = found[3] or '',
    -- Begun with the time, so that it is no version of what was here before.
    version = tonumber(found[4] or '') or nowMs,
    graceUntil = tonumber(found[6] or '') or 0,
  }
  local beatAt = tonumber(found[5] or '') or 0
  if math.abs(nowMs - beatAt) > tonumber(quietMs) then
    tenure.graceUntil = nowMs + tonumber(sessionMs)
  end
  return tenure
end

local function isOver(key, id, nowMs, tenure)
  local untilMs = tonumber(redis.call('ZSCORE', key, id) or '')
  return untilMs and untilMs <= nowMs and tenure.graceUntil <= nowMs
end
