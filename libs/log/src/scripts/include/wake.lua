-- Tells those who wait how far a partition reaches now. The channel may be forbidden to the user;
-- then they find out by asking.
local function wake(channel, logEnd, logStart, lastStable, epoch)
  local message = string.format('%d %d %d %d', logEnd, logStart, lastStable, epoch)
  redis.pcall('PUBLISH', channel, message)
end
