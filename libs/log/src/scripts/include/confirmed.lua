-- How far a partition is confirmed after an append, by what its writer says and what is stored; nil
-- where the topic asks for nothing. What was appended while it asked for nothing is not held back.
local function confirmedAt(told, stored, logEnd)
  if told == '' then return nil end
  return math.min(logEnd, math.max(tonumber(told), tonumber(stored or logEnd)))
end

local function storeConfirmed(key, confirmed, stored)
  if confirmed then
    redis.call('HSET', key, 'confirmed', string.format('%d', confirmed))
  elseif stored then
    redis.call('HDEL', key, 'confirmed')
  end
end
