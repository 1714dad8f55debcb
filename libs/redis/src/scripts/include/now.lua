-- The time of Redis, in ms. Above the writes line, as TIME may be forbidden to a user.
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
