#!lua flags=no-writes
--[[ log/largest-timestamp — one step through a partition: of some batches, the first with the
largest timestamp in its header. For when the ids do not tell, because its record was deleted.

KEYS   log
ARGV   fromOffset entriesMax
REPLY  done nextOffset timestampMs lastOffset (the last two -1 where there was no batch)
       | more nextOffset timestampMs lastOffset ]]
local from = string.format('%.0f', tonumber(ARGV.fromOffset))
local next, largest, lastOffset = tonumber(ARGV.fromOffset), -1, -1
for _ = 1, tonumber(ARGV.entriesMax) do
  local entry = redis.call('XRANGE', KEYS.log, from, '+', 'COUNT', 1)[1]
  if not entry then return { 'done', next, largest, lastOffset } end
  local last = tonumber(string.match(entry[1], '^%d+'))
  local timestamp = struct.unpack('>i8', entry[2][2], 36)
  if timestamp > largest or lastOffset == -1 then largest, lastOffset = timestamp, last end
  next, from = last + 1, '(' .. entry[1]
end
return { 'more', next, largest, lastOffset }
