-- Forget an endpoint of an owner with all its deliveries; an attempt under way is not told any more.
-- KEYS: endpoints; ARGV: id, owner, now in ms
-- Returns: "ok" or "missing"
local id, owner = ARGV[1], ARGV[2]
if redis.call('HGET', endpoint_key(id), 'owner_key') ~= owner then
    return 'missing'
end
for _, delivery in ipairs(redis.call('ZRANGE', log_key(id), 0, -1)) do
    redis.call('UNLINK', delivery_key(delivery))
end
redis.call('UNLINK', endpoint_key(id), queue_key(id), leased_key(id), log_key(id))
redis.call('ZREM', ENDPOINTS, id)
redis.call('ZREM', PREFIX .. 'endpoints-of:' .. owner, id)
redis.call('ZREM', DUE, id)
changed(ARGV[3])
return 'ok'
