#!lua flags=no-writes
--[[ redis/check-rights — tells which commands the user may run, and runs none of them.
KEYS   -
ARGV   commands… (each with its arguments, as a JSON array)
REPLY  checked verdicts… (of each: yes, no, or missing where there is no such command) ]]
local verdicts = { 'checked' }
for i = 1, #ARGV.commands do
  local known, allowed = pcall(redis.acl_check_cmd, unpack(cjson.decode(ARGV.commands[i])))
  verdicts[i + 1] = not known and 'missing' or allowed and 'yes' or 'no'
end
return verdicts
