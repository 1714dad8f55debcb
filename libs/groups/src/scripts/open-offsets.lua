#!lua flags=allow-oom
--[[ groups/open-offsets — make the key of a group's offsets, so that it is there for the scripts
that name it together with the group's state. A full Redis does not stop it, as consumers must be
able to join.
KEYS    offsets?
ARGV    format
REPLY   open
REFUSED unreadable ]]
--- @include "is-hash"
if not isHash(KEYS.offsets) then return { 'unreadable' } end

-- ── writes ──
redis.call('HSETNX', KEYS.offsets, 'format', ARGV.format)
return { 'open' }
