--- @include "now"
--- @include "reservation"
-- For an append that would end beyond `usable`: the fields to be stored, and how many ms it has to
-- wait before it may be tried again; 0: it may be done now. What is kept free lasts for at least
-- eight times what can be lost at the pace since the last time, so that waiting is rare.
local function reserve(key, endBefore, logEnd, terms)
  local nowMs, ageMs, first, least = now(), reservationTerms(terms)
  local one = readReservation(key, endBefore, first)
  if logEnd <= one.usable then return reservationFields(one), 0 end
  -- A clock that was set back must not make this wait for longer.
  local setBack = one.extended > nowMs
  if setBack then one.extended = nowMs end
  local sinceMs = nowMs - one.extended
  if sinceMs < ageMs then return setBack and reservationFields(one), ageMs - sinceMs end
  local pace = (endBefore - one.crossed) / math.max(1, sinceMs)
  local free = math.max(one.reserved - one.usable, least, math.min(2 ^ 30, 8 * ageMs * pace))
  one.usable = one.reserved
  one.reserved = math.max(one.usable, logEnd) + math.floor(free)
  one.extended, one.crossed = nowMs, endBefore
  return reservationFields(one), logEnd > one.usable and ageMs or 0
end
