-- Whether what is stored of a broker is of this session. Each entry begins with its token; see
-- store/stored-broker.ts.
local function isOfSession(entry, token)
  local start = '{"token":"' .. token .. '"'
  return entry and string.sub(entry, 1, #start) == start
end
