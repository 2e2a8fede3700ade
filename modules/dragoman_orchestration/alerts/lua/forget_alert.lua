-- Forget an alert that is over, unless it has opened again since it was read.
-- KEYS: open alerts; ARGV: field, value that was read
-- Returns: 1 if it is forgotten
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then
    return redis.call('HDEL', KEYS[1], ARGV[1])
end
return 0
