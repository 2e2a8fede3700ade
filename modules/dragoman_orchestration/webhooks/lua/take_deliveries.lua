-- Lease deliveries that are due, one of each endpoint in turn, so that none waits behind a slow one.
-- KEYS: endpoints; ARGV: now in ms, end of the lease in ms, deliveries wanted, deliveries under way at most of
--       an endpoint, token of these leases, attempts at most, line that tells of an attempt nobody ended
-- Returns: {ms until the next turn or -1, {delivery hash, endpoint hash} of each lease}
local now, wanted, per_endpoint = tonumber(ARGV[1]), tonumber(ARGV[3]), ARGV[4]
local taken = {}

-- What a courier left behind that died: again at once, for nobody knows whether it was sent.
local function take_back(id)
    for _, delivery in ipairs(redis.call('ZRANGEBYSCORE', leased_key(id), '-inf', now)) do
        local key = delivery_key(delivery)
        redis.call('ZREM', leased_key(id), delivery)
        if redis.call('EXISTS', key) == 1 then
            add_attempt(delivery, ARGV[7])
            if tonumber(redis.call('HGET', key, 'tries') or 0) >= tonumber(ARGV[6]) then
                fail(delivery, 'attempts_exhausted')
            elseif redis.call('HGET', endpoint_key(id), 'enabled') ~= '1' then
                fail(delivery, 'endpoint_disabled')
            else
                redis.call('HSET', key, 'state', 'pending', 'next_ms', now)
                redis.call('HDEL', key, 'lease')
                redis.call('ZADD', queue_key(id), now, delivery)
            end
        end
    end
end

-- The endpoint's next delivery, if one is due and there is room; whether there was one.
local function take_one(id)
    local state = redis.call('HMGET', endpoint_key(id), 'enabled', 'hold_until_ms')
    if state[1] ~= '1' or tonumber(state[2] or 0) > now or room(id, per_endpoint) <= 0 then
        return false
    end
    local delivery = redis.call('ZRANGEBYSCORE', queue_key(id), '-inf', now, 'LIMIT', 0, 1)[1]
    if not delivery then
        return false
    end
    redis.call('ZREM', queue_key(id), delivery)
    local key = delivery_key(delivery)
    if redis.call('EXISTS', key) == 1 then
        redis.call('HINCRBY', key, 'tries', 1)
        redis.call('HSET', key, 'state', 'sending', 'lease', ARGV[5])
        redis.call('HDEL', key, 'next_ms')
        redis.call('ZADD', leased_key(id), ARGV[2], delivery)
        redis.call('HSET', endpoint_key(id), 'served_ms', now)
        taken[#taken + 1] = { redis.call('HGETALL', key), redis.call('HGETALL', endpoint_key(id)) }
    end
    return true
end

local candidates = redis.call('ZRANGEBYSCORE', DUE, '-inf', now, 'LIMIT', 0, 4 * wanted)
for _, id in ipairs(candidates) do
    take_back(id)
end
local served = true
while served and #taken < wanted do
    served = false
    for _, id in ipairs(candidates) do
        if #taken < wanted and take_one(id) then
            served = true
        end
    end
end
for _, id in ipairs(candidates) do
    reschedule(id, per_endpoint)
end
local turn = redis.call('ZRANGE', DUE, 0, 0, 'WITHSCORES')[2]
return { turn and math.max(0, turn - now) or -1, taken }
