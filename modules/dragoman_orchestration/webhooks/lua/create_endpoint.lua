-- Make an endpoint, unless there are as many as there may be.
-- KEYS: endpoints; ARGV: id, owner, now in ms, limit of the owner, limit of all, then field, value, ...
-- Returns: "made", "limit_of_key" or "limit"
local id, owner, now = ARGV[1], ARGV[2], ARGV[3]
local own = PREFIX .. 'endpoints-of:' .. owner
if redis.call('EXISTS', endpoint_key(id)) == 1 then
    return 'made' -- a retry of a command that had arrived
end
if redis.call('ZCARD', own) >= tonumber(ARGV[4]) then
    return 'limit_of_key'
end
if redis.call('ZCARD', ENDPOINTS) >= tonumber(ARGV[5]) then
    return 'limit'
end
redis.call('HSET', endpoint_key(id), unpack(ARGV, 6))
redis.call('ZADD', ENDPOINTS, now, id)
redis.call('ZADD', own, now, id)
changed(now)
return 'made'
