-- How far ahead of the log end offsets are reserved. A Redis that comes back may lack its last
-- moments, and offsets given out in them must not be given again: so none is given out at or beyond
-- `reserved` before a higher bound has been stored for longer than what can be lost. Offsets up to
-- `usable` are free to be given; those from there to `reserved` are once `extended`, the time (ms)
-- at which that bound was raised, is `ageMs` ago. `crossed` is where the log ended then.
local function readReservation(key, logEnd, first)
  local values = redis.call('HMGET', key, 'reserved', 'usable', 'extended', 'crossed')
  if not values[1] then
    -- A version that reserved nothing has made the partition, or none has appended to it yet.
    return { reserved = logEnd + 2 * first, usable = logEnd + first, extended = 0,
      crossed = logEnd }
  end
  return { reserved = tonumber(values[1]), usable = tonumber(values[2]),
    extended = tonumber(values[3]), crossed = tonumber(values[4]) }
end

-- Three numbers: what can be lost (ms), and how many offsets are kept free at first and at least.
local function reservationTerms(text)
  local ageMs, first, least = string.match(text, '^(%d+) (%d+) (%d+)$')
  return tonumber(ageMs), tonumber(first), tonumber(least)
end

local function reservationFields(one)
  local format = string.format
  return { 'reserved', format('%d', one.reserved), 'usable', format('%d', one.usable),
    'extended', format('%d', one.extended), 'crossed', format('%d', one.crossed) }
end
