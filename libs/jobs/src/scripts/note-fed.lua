--[[ jobs/note-fed — notes up to where partitions were fed to a queue, if all jobs of the same
transaction are there. The keys are first those of the partitions, then those of the jobs.
KEYS    keys…
ARGV    next…
REPLY   fed
REFUSED missing count ]]
local partitions = #ARGV.next
local jobs = #KEYS.keys - partitions
local first = partitions + 1
local last = partitions + jobs
local found = redis.call('EXISTS', unpack(KEYS.keys, first, last))
if found < jobs then return { 'missing', jobs - found } end

-- ── writes ──
for i = 1, partitions do redis.call('SET', KEYS.keys[i], ARGV.next[i]) end
return { 'fed' }
