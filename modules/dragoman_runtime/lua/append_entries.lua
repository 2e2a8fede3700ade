-- Append several entries to one stream, so that none gets in where one before it could not: Redis refuses
-- writes for want of memory, or as a replica, either from the script's first one on or not at all.
-- KEYS: stream   ARGV: for each entry its id (or *), the number of its names and values, these
-- Returns for each its id, or why it was refused.
local outcomes, at = {}, 1
while at <= #ARGV do
  local last = at + 1 + tonumber(ARGV[at + 1])
  outcomes[#outcomes + 1] = redis.pcall('XADD', KEYS[1], ARGV[at], unpack(ARGV, at + 2, last))
  at = last + 1
end
return outcomes
