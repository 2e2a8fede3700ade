-- Send a delivery that has ended once more, with all its attempts; its id and its event's stay.
-- KEYS: endpoints; ARGV: endpoint id, delivery id, now in ms, deliveries under way at most, ms to keep
-- Returns: "ok", "missing", "disabled", or the state that forbids it
local id, delivery, now = ARGV[1], ARGV[2], ARGV[3]
local key = delivery_key(delivery)
if redis.call('HGET', key, 'endpoint') ~= id then
    return 'missing'
end
local state = redis.call('HGET', key, 'state')
if state ~= 'delivered' and state ~= 'failed' then
    return state
end
if redis.call('HGET', endpoint_key(id), 'enabled') ~= '1' then
    return 'disabled'
end
redis.call('HSET', key, 'state', 'pending', 'next_ms', now, 'tries', 0, 'reason', '')
redis.call('PEXPIRE', key, ARGV[5])
redis.call('ZADD', queue_key(id), now, delivery)
reschedule(id, ARGV[4])
return 'ok'
