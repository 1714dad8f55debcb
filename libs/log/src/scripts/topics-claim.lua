#!lua flags=allow-oom
--[[ topics/claim — entries to sweep: of deleted topics, and of topics that did not appear in time.
From here on their topics can no longer appear. Any number of sweepers may hold the same entry.
KEYS   topics deleted
ARGV   entriesMax
REPLY  claimed entries… ]]
--- @include "now"
local due = redis.call('ZRANGEBYSCORE', KEYS.deleted, 0, now(), 'LIMIT', 0, ARGV.entriesMax)
local claimed, unfit = { 'claimed' }, {}
for _, entry in ipairs(due) do
  local id, name = string.match(entry, '^%d+/([^/]+)/(.+)$')
  local stored = id and redis.call('HGET', KEYS.topics, (string.gsub(name, '%.', '_')))
  local isLive = stored and cjson.decode(stored).id == id
  -- The latter cannot happen; but a live topic must never be swept.
  table.insert(id and not isLive and claimed or unfit, entry)
end

-- ── writes ──
for i = 2, #claimed do redis.call('ZADD', KEYS.deleted, 0, claimed[i]) end
for _, entry in ipairs(unfit) do redis.call('ZREM', KEYS.deleted, entry) end
return claimed
