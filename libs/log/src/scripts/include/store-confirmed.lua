-- Stores how far a partition is confirmed; where the topic asks for nothing (nil or false), nothing
-- is kept from readers, and what was stored goes.
local function storeConfirmed(key, confirmed, stored)
  if confirmed then
    redis.call('HSET', key, 'confirmed', string.format('%d', confirmed))
  elseif stored then
    redis.call('HDEL', key, 'confirmed')
  end
end
