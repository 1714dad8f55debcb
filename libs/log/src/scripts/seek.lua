#!lua flags=no-writes
--[[ log/seek — finds a batch that should have a record of a time or later.

The second half of the ids never falls, so the first entry with it high enough is found by
bisection. It has the record, unless what raised it was deleted. The caller looks; it begins with a
fromOffset of -1, and if need be goes on with the offset behind: then headers are looked at, so many
in a call.

KEYS    meta log
ARGV    timestampMs fromOffset entriesMax
REPLY   found logStart lastOffset batch | more nextOffset | none
REFUSED unknown-partition ]]
local meta = redis.call('HMGET', KEYS.meta, 'start', 'next', 'maxts')
if not meta[1] then return { 'unknown-partition' } end
local logStart, timestamp = tonumber(meta[1]), tonumber(ARGV.timestampMs)
if timestamp > tonumber(meta[3]) then return { 'none' } end

local function entryFrom(offset)
  local id = string.format('%.0f', offset)
  local entry = redis.call('XRANGE', KEYS.log, id, '+', 'COUNT', 1)[1]
  if not entry then return nil end
  local last, runningMax = string.match(entry[1], '^(%d+)-(%d+)$')
  return { last = tonumber(last), runningMax = tonumber(runningMax), batch = entry[2][2] }
end

local from = tonumber(ARGV.fromOffset)
if from < 0 then
  local low, high, entry = logStart, tonumber(meta[2]), nil
  while low < high do
    -- The first probe is the first entry: very often all is young enough, or the log is short.
    local probe = entry and math.floor((low + high) / 2) or low
    local found = entryFrom(probe)
    if not found then
      high = probe
    elseif found.runningMax >= timestamp then
      entry, high = found, math.min(probe, found.last - struct.unpack('>i4', found.batch, 24))
    else
      low = found.last + 1
    end
  end
  if not entry then return { 'none' } end
  return { 'found', logStart, entry.last, entry.batch }
end

for _ = 1, tonumber(ARGV.entriesMax) do
  local entry = entryFrom(from)
  if not entry then return { 'none' } end
  if struct.unpack('>i8', entry.batch, 36) >= timestamp then
    return { 'found', logStart, entry.last, entry.batch }
  end
  from = entry.last + 1
end
return { 'more', from }
