#!lua flags=allow-oom
--[[ log/writers-enter — enters a writer, or another history of it. Harmless to run again.

A full Redis does not stop it: what is in it can still be read, and be deleted to make room.
KEYS   writers? format?
ARGV   token history format (the history as JSON)
REPLY  entered nowMs (the time of Redis) ]]
--- @include "now"
local nowMs = now()

-- ── writes ──
redis.call('SETNX', KEYS.format, ARGV.format)
redis.call('HSET', KEYS.writers, ARGV.token,
  string.format('{"history":%s,"enteredAtMs":%d}', ARGV.history, nowMs))
return { 'entered', nowMs }
