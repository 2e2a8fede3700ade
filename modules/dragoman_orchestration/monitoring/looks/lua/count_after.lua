-- How many entries a stream has after an id; their contents stay in Redis.
-- KEYS: stream   ARGV: first id of the range, as XRANGE takes it; most that are counted
return #redis.call('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', ARGV[2])
