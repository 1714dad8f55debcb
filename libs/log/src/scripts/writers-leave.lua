#!lua flags=allow-oom
--[[ log/writers-leave — a writer has stopped in good order, behind its last write.

A full Redis does not stop it, or the next start would take something for lost.
KEYS   writers
ARGV   token stoppedField history left (the history as JSON; 1: the entry stays, as one that left)
REPLY  left ]]
--- @include "now"
local nowMs = now()

-- ── writes ──
redis.call('HSET', KEYS.writers, ARGV.stoppedField,
  string.format('{"history":%s,"enteredAtMs":0}', ARGV.history))
if ARGV.left == '1' then
  redis.call('HSET', KEYS.writers, ARGV.token, string.format(
    '{"history":%s,"enteredAtMs":%d,"seenAtMs":%d,"hasLeft":true}', ARGV.history, nowMs, nowMs))
else
  redis.call('HDEL', KEYS.writers, ARGV.token)
end
return { 'left' }
