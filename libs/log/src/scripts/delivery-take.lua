#!lua flags=allow-oom
--[[ log/delivery-take — takes over what was delivered before, in order: to a former owner, or by
one that did not know yet that it was none any more.

Delivered and not acknowledged is the same as: not below the progress, and not above the group's
last delivered id. So the entries are read from the log itself, from an offset on, and become
pending for this member, whoever they were pending for; those that nobody has pending any more, by
another's hand, are not lost by that. What is pending and was trimmed away, or lies wholly below the
progress, is acknowledged: there is nothing to be handled. Saying it again is harmless.

KEYS    log delivery
ARGV    group member epoch progress fromOffset entriesMax
REPLY   taken entries… (of each its id and its batch; none: all are taken)
REFUSED fenced | unclaimed ]]
--- @include "delivery"
local call, group, member = redis.call, ARGV.group, ARGV.member
local idleMax = 1000
local held = readDelivery(call('HGET', KEYS.delivery, 'g/' .. group))
local whose = ownership(held, tonumber(ARGV.epoch), member)
if whose == 'fenced' then return { 'fenced' } end
local delivered = whose == 'mine' and deliveredUpTo(KEYS.log, group)
if not delivered then return { 'unclaimed' } end

local first = string.format('%d-0', tonumber(ARGV.fromOffset))
local isBehind = tonumber(string.match(delivered, '^%d+')) < tonumber(ARGV.fromOffset)
local entries = isBehind and {} or
  call('XRANGE', KEYS.log, first, delivered, 'COUNT', ARGV.entriesMax)
local ids, reply = {}, { 'taken' }
for i, entry in ipairs(entries) do
  ids[i] = entry[1]
  reply[#reply + 1] = entry[1]
  reply[#reply + 1] = entry[2][2]
end
local idle = {}
local function addPending(from, upTo)
  for _, one in ipairs(call('XPENDING', KEYS.log, group, from, upTo, idleMax)) do
    idle[#idle + 1] = one[1]
  end
end
local progress = tonumber(ARGV.progress)
if progress > 0 then addPending('-', string.format('(%d-0', progress)) end
if not isBehind then addPending(first, ids[1] and '(' .. ids[1] or delivered) end

-- ── writes ──
if #idle > 0 then call('XACK', KEYS.log, group, unpack(idle)) end
if #ids > 0 then
  ids[#ids + 1] = 'FORCE'
  ids[#ids + 1] = 'JUSTID'
  call('XCLAIM', KEYS.log, group, member, '0', unpack(ids))
end
return reply
