-- `stored`: the largest timestamp of the batch at offset `number`, which is in the log or is being
-- added by this call; -1 where it is gone. It stands where it is needed and is no function, because
-- making one costs each call something, and duplicates are rare.
local stored, lastOffset = -1, number + delta
if number < endBefore then
  local entry = call('XRANGE', KEYS.log, format('%d', lastOffset), '+', 'COUNT', 1)[1]
  if entry and tonumber(string.match(entry[1], '^%d+')) == lastOffset then
    stored = parse('>i8', entry[2][2], 36)
  end
end
for j = 1, number < endBefore and 0 or i - 1 do
  if verdicts[2 * j - 1] == 0 and verdicts[2 * j] == number then
    local _, ofBatch = parse(factsForm, facts, factsBytes * (j - 1) + 1)
    stored = ofBatch
  end
end
