-- Tell how a recording went on, under the fence, unless it was deleted or told before.
-- KEYS: owner, record
-- ARGV: token of the session's owner, the recording's new state
-- Returns 1 if it was "recording" until now and the owner is who asks.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
    return 0
end
if redis.call('HGET', KEYS[2], 'recording') ~= 'recording' then
    return 0
end
redis.call('HSET', KEYS[2], 'recording', ARGV[2])
return 1
