#!lua
--[[ log/append — adds a list of batches to a partition; each is judged by itself, in order.

A batch of an idempotent producer is added once: the last five of each producer are kept, and one
that is sent again gets its first offset again. An entry's id is its last offset and the largest
timestamp so far; the latter is at least 1, because Redis does not take the id 0-0.

Large batches go past Lua, which would hash and copy their bytes. Their sender runs this in a MULTI,
without them. Where all of them fit at the log's `position` ("<log end> <maxts>"), the script does
all but the adding and moves the stream to the key `open`: the XADDs behind it name that key, and do
nothing where it does not exist. `after`, the token of the append that has to be the last one done,
keeps what is sent behind an append in doubt from overtaking it.

KEYS   meta log producers wake open
ARGV   leaderEpoch position after token facts batches…
The facts of each batch are packed as '<i4ddi2i4I4': lastOffsetDelta, maxTimestampMs, producerId (-1
for none), producerEpoch, baseSequence, bytes. No conditions: leaderEpoch -1, position '', after ''.
REPLY  all|some logStart logEnd maxTimestamp; all: appended one after the other up to logEnd;
       some: then (kind number) of each: 0 appended at, 1 duplicate of the batch at, 2 duplicate of
       an older batch, 3 out of order, expected, 4 fenced by epoch
       | moved (nothing was done) | fenced-leader | unknown-partition ]]
local sequences = 2147483648 -- after 2^31-1 comes 0
local factsBytes, batchForm, batchBytes, windowBytes = 30, '<I4I4d', 16, 80
local call, pack, parse = redis.call, struct.pack, struct.unpack
local format, sub, max = string.format, string.sub, math.max
local fields = { 'next', 'maxts', 'start', 'bytes', 'batches', 'largest', 'epoch', 'token' }
local meta = call('HMGET', KEYS[1], unpack(fields))
if not meta[1] then return { 'unknown-partition' } end
local leaderEpoch, position, after, facts = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[5]
if leaderEpoch ~= -1 and leaderEpoch < tonumber(meta[7]) then return { 'fenced-leader' } end
if position ~= '' and position ~= meta[1] .. ' ' .. meta[2] then return { 'moved' } end
if after ~= '' and after ~= meta[8] then return { 'moved' } end

-- A producer's value: epoch, time of last use (s), how many sequences in a row are known to be in
-- the log, and a window of its last batches: of each the first and last sequence and base offset.
local function readProducer(id)
  local value = call('HGET', KEYS[3], format('%d', id))
  if not value then return false end
  local epoch, _, known, at = parse('<i2I4I4', value)
  return { epoch = epoch, known = known, window = sub(value, at) }
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
  state.window = sub(state.window .. pack(batchForm, first, last, base), -windowBytes)
  -- Half the circle at most: beyond that what is behind cannot be told from what is ahead.
  state.known = math.min(sequences / 2, state.known + (last - first) % sequences + 1)
end

local logEnd, maxTimestamp, logStart = tonumber(meta[1]), tonumber(meta[2]), tonumber(meta[3])
local bytes, largest = tonumber(meta[4]), tonumber(meta[6])
local count, at, ids, verdicts, added = #facts / factsBytes, 1, {}, {}, 0
for i = 1, count do
  local delta, timestamp, producerId, epoch, first, size
  delta, timestamp, producerId, epoch, first, size, at = parse('<i4ddi2i4I4', facts, at)
  local kind, number = 0, 0
  if producerId >= 0 then
    if producers[producerId] == nil then producers[producerId] = readProducer(producerId) end
    local last = (first + delta) % sequences
    kind, number = judge(producers[producerId], epoch, first, last)
    if kind == 0 then remember(producerId, epoch, first, last, logEnd) end
  end
  verdicts[2 * i - 1], verdicts[2 * i] = kind, kind == 0 and logEnd or number
  if kind == 0 then
    logEnd, bytes, added = logEnd + delta + 1, bytes + size, added + 1
    maxTimestamp, largest = max(maxTimestamp, timestamp), max(largest, size)
    -- '%d' is exact where Redis is a 64-bit program, and takes half the time of '%.0f'.
    ids[i] = format('%d-%d', logEnd - 1, maxTimestamp > 1 and maxTimestamp or 1)
  end
end
local direct = #ARGV == 5
if direct and (added < count or call('EXISTS', KEYS[2]) == 0) then return { 'moved' } end
if added == 0 then return { 'some', logStart, logEnd, maxTimestamp, unpack(verdicts) } end

-- ── writes ──
if direct and call('RENAMENX', KEYS[2], KEYS[5]) == 0 then return { 'moved' } end
for i = 1, direct and 0 or count do
  if ids[i] then call('XADD', KEYS[2], ids[i], 'b', ARGV[i + 5]) end
end
local next = format('%d', logEnd)
call('HSET', KEYS[1], 'next', next, 'maxts', format('%d', maxTimestamp),
  'bytes', format('%d', bytes), 'batches', format('%d', meta[5] + added), 'largest', largest,
  'token', ARGV[4])
if changed then
  local now, values = tonumber(call('TIME')[1]), {}
  for id, state in pairs(producers) do
    if state and state.changed then
      values[#values + 1] = format('%d', id)
      values[#values + 1] = pack('<i2I4I4', state.epoch, now, state.known) .. state.window
    end
  end
  call('HSET', KEYS[3], unpack(values))
end
call('PUBLISH', KEYS[4], next)
if added == count then return { 'all', logStart, logEnd, maxTimestamp } end
return { 'some', logStart, logEnd, maxTimestamp, unpack(verdicts) }
