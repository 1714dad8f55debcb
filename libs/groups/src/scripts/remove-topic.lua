#!lua flags=allow-oom
--[[ groups/remove-topic — one step in removing a group's offsets of a deleted topic; the cursor
is 0 after the last.
KEYS    offsets?
ARGV    pattern cursor count
REPLY   scanned cursor
REFUSED unreadable ]]
--- @include "in-pieces"
--- @include "is-hash"
if not isHash(KEYS.offsets) then return { 'unreadable' } end
local scanned =
  redis.call('HSCAN', KEYS.offsets, ARGV.cursor, 'MATCH', ARGV.pattern, 'COUNT', ARGV.count)
local fields = {}
for at = 1, #scanned[2], 2 do fields[#fields + 1] = scanned[2][at] end

-- ── writes ──
inPieces(#fields, function(from, to) redis.call('HDEL', KEYS.offsets, unpack(fields, from, to)) end)
return { 'scanned', scanned[1] }
