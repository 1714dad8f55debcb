-- Tells all gateways of one change, with what has changed (see store/notice.ts). The channel may be
-- forbidden to the user; then they find out by their next heartbeat.
local function notify(channel, version, changed)
  redis.pcall('PUBLISH', channel, '{"version":' .. version .. ',' .. changed .. '}')
end
