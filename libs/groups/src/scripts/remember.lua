#!lua flags=allow-oom
--[[ groups/remember — put a group in the index, or a deleted topic among those to clean up.
A full Redis does not stop it, as consumers must be able to join, and topics to be deleted.
KEYS    names?
ARGV    name
REPLY   remembered ]]

-- ── writes ──
redis.call('SADD', KEYS.names, ARGV.name)
return { 'remembered' }
