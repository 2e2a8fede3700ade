-- Give a bot back: to no one (it has ended), to another worker at once, or to the queue.
-- KEYS: record, leases, queue
-- ARGV: id, token of the lease, "ended", "hand over" or "queue", when it is due in ms
-- Returns: 1, or 0 if it was another's already
local record, leases, queue = KEYS[1], KEYS[2], KEYS[3]
if redis.call('HGET', record, 'lease') ~= ARGV[2] then
    return 0
end
redis.call('HSET', record, 'lease', '', 'worker', '')
if ARGV[3] == 'hand over' then
    redis.call('ZADD', leases, 0, ARGV[1])
    return 1
end
redis.call('ZREM', leases, ARGV[1])
if ARGV[3] == 'queue' then
    local stopped = tonumber(redis.call('HGET', record, 'stop_ms') or '0') > 0
    redis.call('ZADD', queue, stopped and 0 or ARGV[4], ARGV[1])
end
return 1
