#!lua flags=allow-oom
--[[ log/writers-leave — a writer has stopped in good order, behind its last write.

A full Redis does not stop it, or the next start would take something for lost.
KEYS   writers
ARGV   token stoppedField history (the history as JSON)
REPLY  left ]]

-- ── writes ──
redis.call('HSET', KEYS.writers, ARGV.stoppedField,
  string.format('{"history":%s,"enteredAtMs":0}', ARGV.history))
redis.call('HDEL', KEYS.writers, ARGV.token)
return { 'left' }
