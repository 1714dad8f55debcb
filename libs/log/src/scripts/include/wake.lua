-- Tells those who wait how far a partition reaches. `confirmed` is how far it is confirmed where
-- that is asked for; else nil or false. The channel may be forbidden to the user; then they find
-- out by asking.
local function wake(channel, logEnd, logStart, confirmed, epoch)
  local readable = math.max(logStart, math.min(logEnd, tonumber(confirmed or logEnd)))
  local message = string.format('%d %d %d %d', logEnd, logStart, readable, epoch)
  if readable < logEnd then message = string.format('%s %d', message, readable) end
  redis.pcall('PUBLISH', channel, message)
end
