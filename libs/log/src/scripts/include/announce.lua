-- Tells all gateways of a change of the registry. The channel may be forbidden to the user; then
-- they find out by comparing versions. `topic` is the text of the topic, or null where it is gone.
local function announce(channel, version, field, topic)
  local form = '{"version":%d,"field":"%s","topic":%s}'
  redis.pcall('PUBLISH', channel, string.format(form, version, field, topic))
end
