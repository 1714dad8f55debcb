#!lua flags=allow-oom
--[[ log/evict-producers — one step through the producers of a partition.

Forgets those that have not written for longer than unusedMs (-1: no limit), and for longer than
belowStartUnusedMs where their last batch lies below the log start: not at once, because a producer
may still be sending that batch again, whatever has become of the first copy.

KEYS    meta producers
ARGV    cursor count unusedMs belowStartUnusedMs
REPLY   step cursor evicted (the cursor is 0 after the last step)
REFUSED newer-format ]]
local meta = redis.call('HMGET', KEYS.meta, 'start', 'format')
local ofProducers = redis.call('HGET', KEYS.producers, 'format')
if math.max(meta[2] or 1, ofProducers or 1) > 1 then return { 'newer-format' } end
local logStart = tonumber(meta[1] or 0)
local unusedMs, belowStartUnusedMs = tonumber(ARGV.unusedMs), tonumber(ARGV.belowStartUnusedMs)
local now = tonumber(redis.call('TIME')[1])
local page = redis.call('HSCAN', KEYS.producers, ARGV.cursor, 'COUNT', ARGV.count)
local evicted = {}
for i = 1, #page[2], 2 do
  local id, value = page[2][i], page[2][i + 1]
  if id ~= 'format' then
    -- The last of the batches that log/append packs: first and last sequence, base offset.
    local _, used = struct.unpack('<i2I4', value)
    local first, last, base = struct.unpack('<I4I4d', value, #value - 15)
    local lastOffset = base + (last - first) % 2147483648
    local idleMs = (now - used) * 1000
    local below = lastOffset < logStart and idleMs > belowStartUnusedMs
    if below or (unusedMs >= 0 and idleMs > unusedMs) then evicted[#evicted + 1] = id end
  end
end

-- ── writes ──
if #evicted > 0 then redis.call('HDEL', KEYS.producers, unpack(evicted)) end
return { 'step', page[1], #evicted }
