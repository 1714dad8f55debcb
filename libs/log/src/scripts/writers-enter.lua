#!lua flags=allow-oom
--[[ log/writers-enter — enters a writer, or another history of it, or says that it is still
there. Harmless to run again.

A full Redis does not stop it: what is in it can still be read, and be deleted to make room.
KEYS   writers? format?
ARGV   token history format enteredAtMs (the history as JSON; -1: it is entered now)
REPLY  entered nowMs (the time of Redis) ]]
--- @include "now"
local nowMs, enteredAtMs = now(), tonumber(ARGV.enteredAtMs)
if enteredAtMs < 0 then enteredAtMs = nowMs end

-- ── writes ──
redis.call('SETNX', KEYS.format, ARGV.format)
redis.call('HSET', KEYS.writers, ARGV.token,
  string.format('{"history":%s,"enteredAtMs":%d,"seenAtMs":%d}', ARGV.history, enteredAtMs, nowMs))
return { 'entered', nowMs }
