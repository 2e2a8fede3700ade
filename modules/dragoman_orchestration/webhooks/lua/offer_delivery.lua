-- Make the delivery of an event to an endpoint, once: its id is made of theirs.
-- KEYS: endpoints; ARGV: endpoint id, delivery id, now in ms, deliveries under way at most, deliveries that may
--       wait, ms to keep, ended ones to keep, ms that each is kept at least, then field, value, ...
-- Returns: "made", "known", "disabled" or "full"
local id, delivery, now, per_endpoint = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local key, log = delivery_key(delivery), log_key(id)
if redis.call('EXISTS', key) == 1 then
    return 'known'
end
if redis.call('HGET', endpoint_key(id), 'enabled') ~= '1' then
    return 'disabled'
end
if redis.call('ZCARD', queue_key(id)) >= tonumber(ARGV[5]) then
    return 'full'
end
redis.call('HSET', key, 'state', 'pending', 'next_ms', now, 'tries', 0, unpack(ARGV, 9))
redis.call('PEXPIRE', key, ARGV[6])
redis.call('ZADD', queue_key(id), now, delivery)
redis.call('ZADD', log, now, delivery)

-- A few of the oldest are looked at each time, so that the log shrinks faster than it grows.
local over = redis.call('ZCARD', log) - tonumber(ARGV[7])
local oldest = redis.call('ZRANGE', log, 0, 4, 'WITHSCORES')
for place = 1, #oldest, 2 do
    local state = redis.call('HGET', delivery_key(oldest[place]), 'state')
    local ended = state == 'delivered' or state == 'failed'
    if not state or (over > 0 and ended and oldest[place + 1] + ARGV[8] < tonumber(now)) then
        redis.call('UNLINK', delivery_key(oldest[place]))
        redis.call('ZREM', log, oldest[place])
        over = over - 1
    end
end
reschedule(id, per_endpoint)
return 'made'
