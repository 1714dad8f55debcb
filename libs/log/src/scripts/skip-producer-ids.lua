#!lua flags=allow-oom
--[[ log/skip-producer-ids — leaves out the producer ids that may have been given out before a loss.
KEYS   producerIds?
ARGV   count
REPLY  skipped ]]

-- ── writes ──
redis.call('INCRBY', KEYS.producerIds, ARGV.count)
return { 'skipped' }
