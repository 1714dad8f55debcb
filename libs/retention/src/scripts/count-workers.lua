#!lua flags=no-writes
--[[ retention/count-workers — how many workers are there.
KEYS   workers?
ARGV   -
REPLY  alive count ]]
--- @include "now"
return { 'alive', redis.call('ZCOUNT', KEYS.workers, now(), '+inf') }
