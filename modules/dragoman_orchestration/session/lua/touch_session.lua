-- Note that a speaker is still connected. Only where the record exists: an HSET alone would raise the dead.
-- KEYS: record
-- ARGV: now in ms
if redis.call('EXISTS', KEYS[1]) == 1 then
    redis.call('HSET', KEYS[1], 'seen_ms', ARGV[1])
    return 1
end
return 0
