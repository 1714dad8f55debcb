#!lua
--[[ log/append — adds a list of batches to a partition; each is judged by itself, in order.

A batch of an idempotent producer is added once: the last five of each producer are kept, and one
that is sent again gets its first offset again. An entry's id is its last offset and the largest
timestamp so far, at least 1, because Redis does not take the id 0-0.
Large batches go past Lua, which would hash and copy their bytes. Their sender runs this in a MULTI,
without them and with the key `open`. Where all of them fit at the log's `position` ("<log end>
<maxts>"), the script does all but the adding and moves the stream to that key: the XADDs behind it
name it, and do nothing where it does not exist.
WAIT covers only what its connection has written (Valkey 8). So where one follows (`confirm` 1),
something is written for batches that are there already.

KEYS   meta log producers open…
ARGV   leaderEpoch position confirm wake facts batches…
The facts of each batch are packed as '<i4ddi2i4I4': lastOffsetDelta, maxTimestampMs, producerId (-1
for none), producerEpoch, baseSequence, bytes. No conditions: leaderEpoch -1, position ''.
REPLY  all|some logStart logEnd maxTimestamp; all: appended one after the other up to logEnd;
       some: then (kind number) of each: 0 appended at, 1 duplicate of the batch at, 2 of an older
       batch, 3 out of order, expected, 4 fenced by epoch, 5 timestamp beyond 2^53
       | moved (nothing was done) | fenced-leader | unknown-partition ]]
local sequences, exactMax = 2147483648, 9007199254740991 -- after 2^31-1 comes 0; 2^53-1
local factsBytes, batchForm, batchBytes, windowBytes = 30, '<I4I4d', 16, 80
local call, pack, parse, format = redis.call, struct.pack, struct.unpack, string.format
local fields = { 'next', 'maxts', 'start', 'bytes', 'batches', 'largest', 'epoch' }
local meta = call('HMGET', KEYS[1], unpack(fields))
if not meta[1] then return { 'unknown-partition' } end
local leaderEpoch, position, facts = tonumber(ARGV[1]), ARGV[2], ARGV[5]
if leaderEpoch ~= -1 and leaderEpoch < tonumber(meta[7]) then return { 'fenced-leader' } end
if position ~= '' and position ~= meta[1] .. ' ' .. meta[2] then return { 'moved' } end

-- A producer's value: epoch, time of last use (s), how many sequences in a row are known to be in
-- the log, and a window of its last batches: of each the first and last sequence and base offset.
local function readProducer(id)
  local value = call('HGET', KEYS[3], format('%d', id))
  if not value then return false end
  local epoch, _, known, at = parse('<i2I4I4', value)
  return { epoch = epoch, known = known, window = string.sub(value, at) }
end

local function judge(state, epoch, first, last)
  if not state then return first < 0 and 3 or 0, 0 end
  if epoch < state.epoch then return 4, 0 end
  local window, expected = state.window, 0
  if epoch == state.epoch then
    local _, lastKnown = parse(batchForm, window, #window - batchBytes + 1)
    expected = (lastKnown + 1) % sequences
  end
  if first == expected then return 0, 0 end
  if first < 0 or epoch > state.epoch then return 3, expected end
  for at = 1, #window, batchBytes do
    local knownFirst, knownLast, base = parse(batchForm, window, at)
    if knownFirst == first and knownLast == last then return 1, base end
  end
  -- Only what is known to be in the log may be called a duplicate; all else is a gap.
  local behind = (expected - first) % sequences
  local beyond = (expected - parse('<I4', window)) % sequences
  if behind <= state.known and behind - (last - first) % sequences > beyond then return 2, 0 end
  return 3, expected
end

local producers, changed = {}, false
local function remember(id, epoch, first, last, base)
  local state = producers[id]
  if not state or epoch > state.epoch then state = { epoch = epoch, known = 0, window = '' } end
  producers[id], state.changed, changed = state, true, true
  state.window = string.sub(state.window .. pack(batchForm, first, last, base), -windowBytes)
  -- Half the circle at most: beyond that what is behind cannot be told from what is ahead.
  state.known = math.min(sequences / 2, state.known + (last - first) % sequences + 1)
end

local logEnd, maxTimestamp, logStart = tonumber(meta[1]), tonumber(meta[2]), tonumber(meta[3])
local bytes, largest = tonumber(meta[4]), tonumber(meta[6])
local count, at, ids, verdicts, added, known = #facts / factsBytes, 1, {}, {}, 0, false
for i = 1, count do
  local delta, timestamp, producerId, epoch, first, size
  delta, timestamp, producerId, epoch, first, size, at = parse('<i4ddi2i4I4', facts, at)
  local kind, number = 0, 0
  if timestamp > exactMax then
    kind = 5
  elseif producerId >= 0 then
    if producers[producerId] == nil then producers[producerId] = readProducer(producerId) end
    local last = (first + delta) % sequences
    kind, number = judge(producers[producerId], epoch, first, last)
    if kind == 0 then remember(producerId, epoch, first, last, logEnd) end
    known = known or kind == 1 or kind == 2
  end
  verdicts[2 * i - 1], verdicts[2 * i] = kind, kind == 0 and logEnd or number
  if kind == 0 then
    logEnd, bytes, added = logEnd + delta + 1, bytes + size, added + 1
    maxTimestamp, largest = math.max(maxTimestamp, timestamp), math.max(largest, size)
    -- '%d' is exact where Redis is a 64-bit program, and takes half the time of '%.0f'.
    ids[i] = format('%d-%d', logEnd - 1, maxTimestamp > 1 and maxTimestamp or 1)
  end
end
local direct = #KEYS == 4
local free = direct and call('EXISTS', KEYS[2]) == 1 and call('EXISTS', KEYS[4]) == 0
if direct and (added < count or not free) then return { 'moved' } end
local function some() return { 'some', logStart, logEnd, maxTimestamp, unpack(verdicts) } end
if added == 0 and not (known and ARGV[3] == '1') then return some() end
local now = changed and tonumber(call('TIME')[1])

-- ── writes ──
if added == 0 then call('HSET', KEYS[1], 'next', meta[1]) return some() end
if direct then call('RENAMENX', KEYS[2], KEYS[4]) end
for i = 1, direct and 0 or count do
  if ids[i] then call('XADD', KEYS[2], ids[i], 'b', ARGV[i + 5]) end
end
call('HSET', KEYS[1], 'next', format('%d', logEnd), 'maxts', format('%d', maxTimestamp),
  'bytes', format('%d', bytes), 'batches', format('%d', meta[5] + added), 'largest', largest)
local values = {}
for id, state in pairs(changed and producers or {}) do
  if state and state.changed then
    values[#values + 1] = format('%d', id)
    values[#values + 1] = pack('<i2I4I4', state.epoch, now, state.known) .. state.window
  end
end
if changed then call('HSET', KEYS[3], unpack(values)) end
redis.pcall('PUBLISH', ARGV[4], format('%d %d %d %d', logEnd, logStart, logEnd, meta[7]))
return added == count and { 'all', logStart, logEnd, maxTimestamp } or some()
