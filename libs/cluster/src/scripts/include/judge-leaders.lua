-- Changes are topic id, expected text, next text, again and again; no characters stand for no text.
-- One whose text is not the expected one is left as it is: somebody has changed it meanwhile.
local function judgeLeaders(key, changes)
  local judged = { due = {}, stale = {}, told = {} }
  local ids = {}
  for at = 1, #changes, 3 do table.insert(ids, changes[at]) end
  local found = redis.call('HMGET', key, unpack(ids))
  for index, id in ipairs(ids) do
    local at = index * 3 - 2
    if (found[index] or '') == changes[at + 1] then
      local text = changes[at + 2]
      table.insert(judged.due, at)
      table.insert(judged.told, '"' .. id .. '":' .. (text == '' and 'null' or text))
    else
      table.insert(judged.stale, id)
    end
  end
  return judged
end
