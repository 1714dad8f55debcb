-- The leader epochs of a partition as text: `<epoch> <first offset>` of each, oldest first. Without
-- any there has been one, 0, from offset 0. Those in which nothing was written are dropped, those
-- that end at or below the log start, and the oldest of too many.
local function withEpoch(text, epoch, offset, logStart, epochsMax)
  local list = {}
  for known, from in string.gmatch(text or '0 0', '(%d+) (%d+)') do
    list[#list + 1] = { known, tonumber(from) }
  end
  list[#list + 1] = { string.format('%d', epoch), offset }
  local words = {}
  for i = 1, #list do
    local ends = list[i + 1] and list[i + 1][2]
    local isOver = ends and ends <= math.max(logStart, list[i][2])
    if i > #list - epochsMax and not isOver then
      words[#words + 1] = string.format('%s %d', list[i][1], list[i][2])
    end
  end
  return table.concat(words, ' ')
end
