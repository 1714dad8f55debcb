#!lua
--[[ streams/keep-replies — a client that waits for answers is there: its stream is made, or kept.

The stream goes by itself once nobody has asked for that for so long. A new one begins with an entry
that is no answer, because there is no empty stream without a group.
KEYS   replies?
ARGV   ttlMs
REPLY  kept | made id ]]
local isThere = redis.call('EXISTS', KEYS.replies) == 1

-- ── writes ──
local id = isThere or redis.call('XADD', KEYS.replies, '*', 'format', '1')
redis.call('PEXPIRE', KEYS.replies, ARGV.ttlMs)
if isThere then return { 'kept' } end
return { 'made', id }
