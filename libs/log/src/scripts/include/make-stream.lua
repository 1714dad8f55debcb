-- A stream may be empty; making a consumer group is the way to make such a one.
local function makeStream(key)
  redis.call('XGROUP', 'CREATE', key, 'none', '$', 'MKSTREAM')
  redis.call('XGROUP', 'DESTROY', key, 'none')
end
