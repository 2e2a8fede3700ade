-- Count something once: it is noted that it was, in the same step as its amounts are added.
-- KEYS: the day's usage, what was counted on that day, on the day before and on the day after
-- ARGV: what is counted, seconds to keep usage, seconds to keep what was counted, then field, amount, ...
-- Returns 1 if it counted, 0 if it had before.
for i = 2, 4 do
  if redis.call('SISMEMBER', KEYS[i], ARGV[1]) == 1 then
    return 0
  end
end
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[3])
for i = 4, #ARGV, 2 do
  redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1])
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
