#!lua flags=allow-oom
--[[ topics/claim — entries to sweep: of deleted topics, and of topics that did not appear in time.
From here on their topics can no longer appear. Any number of sweepers may hold the same entry.
KEYS   topics deleted
ARGV   entriesMax
REPLY  entry … ]]
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
local due = redis.call('ZRANGEBYSCORE', KEYS[2], 0, nowMs, 'LIMIT', 0, ARGV[1])
local claimed = {}
-- ── writes ──
for _, entry in ipairs(due) do
  local id, name = string.match(entry, '^%d+/([^/]+)/(.+)$')
  local stored = id and redis.call('HGET', KEYS[1], (string.gsub(name, '%.', '_')))
  if not id or (stored and cjson.decode(stored).id == id) then
    -- Cannot happen; but a live topic must never be swept.
    redis.call('ZREM', KEYS[2], entry)
  else
    redis.call('ZADD', KEYS[2], 0, entry)
    claimed[#claimed + 1] = entry
  end
end
return claimed
