-- Stores the span that has not ended, and those that have.
local function storeSpan(span, metaKey, spansKey)
  if span.changed then
    local value = string.format('%d %d %d', span.from, span.maxBefore, span.largest)
    redis.call('HSET', metaKey, 'span', value)
  end
  if span.lacksStream then makeStream(spansKey) end
  for _, ended in ipairs(span.ends) do
    local added = redis.pcall('XADD', spansKey, ended[1], 's', ended[2])
    -- An earlier version, which knows of no spans, has trimmed meanwhile: what they say is not so.
    if type(added) == 'table' and added.err then
      redis.call('XTRIM', spansKey, 'MAXLEN', '0')
      redis.call('HDEL', metaKey, 'span')
      return
    end
  end
end
