-- Writes those of the changes that `judgeLeaders` has found due, and tells all gateways of them.
local function writeLeaders(keys, changes, judged, version, channel)
  for _, at in ipairs(judged.due) do
    local id, text = changes[at], changes[at + 2]
    if text == '' then
      redis.call('HDEL', keys.leaders, id)
    else
      redis.call('HSET', keys.leaders, id, text)
    end
  end
  redis.call('HSET', keys.controller, 'version', version)
  notify(channel, version, '"leaders":{' .. table.concat(judged.told, ',') .. '}')
end
