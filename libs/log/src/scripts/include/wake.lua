-- Tells those who wait how far a partition reaches. `confirmed` is how far it is confirmed where
-- that is asked for; else nil or false. The channel may be forbidden to the user; then they find
-- out by asking.
local function wake(channel, logEnd, logStart, confirmed, epoch)
  local readable, form = logEnd, '%d %d %d %d'
  if confirmed then readable = math.max(logStart, math.min(logEnd, tonumber(confirmed))) end
  if readable < logEnd then form = '%d %d %d %d %d' end
  redis.pcall('PUBLISH', channel,
    string.format(form, logEnd, logStart, readable, epoch, readable))
end
