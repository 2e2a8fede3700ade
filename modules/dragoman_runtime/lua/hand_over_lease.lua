-- Make a lease that is mine look expired, so that another worker takes it over at once.
-- KEYS: sessions stream   ARGV: group, consumer, entry id, lease in ms
-- Returns 1 if it was mine.
local pending = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], 1)
if not pending[1] or pending[1][2] ~= ARGV[2] then
  return 0
end
redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[3], 'IDLE', ARGV[4], 'RETRYCOUNT', 0, 'JUSTID')
return 1
