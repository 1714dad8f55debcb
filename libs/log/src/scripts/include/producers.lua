-- Producers of batches of any kind and number; see producer-forms.lua.
local producers, producersChanged = {}, false

local function producerOf(key, id)
  local state = producers[id]
  if state ~= nil then return state end
  local value = redis.call('HGET', key, format('%d', id))
  state = false
  if value then
    local epoch, _, known, at = parse(headForm, value)
    state = { epoch = epoch, known = known, window = string.sub(value, at) }
  end
  producers[id] = state
  return state
end

-- What is to become of the batch with these sequences; the kinds are those of log/append.
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

local function remember(id, epoch, first, last, base)
  local state = producers[id]
  if not state or epoch > state.epoch then state = { epoch = epoch, known = 0, window = '' } end
  producers[id], state.changed, producersChanged = state, true, true
  state.window = string.sub(state.window .. pack(batchForm, first, last, base), -windowBytes)
  -- Half the circle at most: beyond that what is behind cannot be told from what is ahead.
  state.known = math.min(sequences / 2, state.known + (last - first) % sequences + 1)
end

-- Fields and values of those that have changed, for HSET.
local function changedProducers(nowSeconds)
  local values = {}
  for id, state in pairs(producers) do
    if state and state.changed then
      values[#values + 1] = format('%d', id)
      values[#values + 1] = pack(headForm, state.epoch, nowSeconds, state.known) .. state.window
    end
  end
  return values
end
