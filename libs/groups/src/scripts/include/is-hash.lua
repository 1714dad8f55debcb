-- Whether the key is a hash, or is not there: other hands may have put anything in its place, and a
-- command for hashes would end the script with an error.
local function isHash(key)
  local kind = redis.call('TYPE', key).ok
  return kind == 'hash' or kind == 'none'
end
