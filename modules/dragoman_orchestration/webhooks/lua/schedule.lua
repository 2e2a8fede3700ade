-- Head of all scripts of webhooks: when an endpoint has its next turn, and how one is disabled.
-- All keys have the hash tag {webhooks}, so that they share the slot of KEYS[1].
local PREFIX = '{webhooks}:'
local DUE, ENDPOINTS, VERSION = PREFIX .. 'due', PREFIX .. 'endpoints', PREFIX .. 'version'
local KEPT_ATTEMPTS = 8000 -- bytes

local function endpoint_key(id) return PREFIX .. 'endpoint:' .. id end
local function queue_key(id) return PREFIX .. 'queue:' .. id end
local function leased_key(id) return PREFIX .. 'leased:' .. id end
local function log_key(id) return PREFIX .. 'log:' .. id end
local function delivery_key(id) return PREFIX .. 'delivery:' .. id end

-- Readers keep a copy of the endpoints until this number changes; a wiped Redis begins with another one.
local function changed(now)
    if redis.call('EXISTS', VERSION) == 0 then
        redis.call('SET', VERSION, now)
    end
    redis.call('INCR', VERSION)
end

-- How many of an endpoint's deliveries may be under way; one that fails is only probed.
local function room(id, per_endpoint)
    local failing = redis.call('HGET', endpoint_key(id), 'failing_since_ms')
    local allowed = failing and 1 or tonumber(per_endpoint)
    return allowed - redis.call('ZCARD', leased_key(id))
end

-- An endpoint's turn comes when its first delivery is due, and after those that were served longer ago; or
-- when the first of its leases ends, for then a courier is dead.
local function reschedule(id, per_endpoint)
    local state = redis.call('HMGET', endpoint_key(id), 'enabled', 'hold_until_ms', 'served_ms')
    local head = redis.call('ZRANGE', queue_key(id), 0, 0, 'WITHSCORES')
    local lease = redis.call('ZRANGE', leased_key(id), 0, 0, 'WITHSCORES')
    local at = nil
    if head[2] and state[1] == '1' and room(id, per_endpoint) > 0 then
        at = math.max(tonumber(head[2]), tonumber(state[2] or 0), tonumber(state[3] or 0))
    end
    if lease[2] then
        at = math.min(at or tonumber(lease[2]), tonumber(lease[2]))
    end
    if at then
        redis.call('ZADD', DUE, string.format('%.0f', at), id)
    else
        redis.call('ZREM', DUE, id)
    end
end

local function fail(delivery, reason)
    local key = delivery_key(delivery)
    if redis.call('EXISTS', key) == 1 then
        redis.call('HSET', key, 'state', 'failed', 'reason', reason)
        redis.call('HDEL', key, 'next_ms', 'lease')
    end
end

local function disable(id, reason, now)
    redis.call('HSET', endpoint_key(id), 'enabled', 0, 'disabled_reason', reason, 'disabled_ms', now)
    for _, delivery in ipairs(redis.call('ZRANGE', queue_key(id), 0, -1)) do
        fail(delivery, 'endpoint_disabled')
    end
    redis.call('DEL', queue_key(id))
    changed(now)
end

-- One line an attempt; the oldest go where it gets long.
local function add_attempt(delivery, line)
    local key = delivery_key(delivery)
    local old = redis.call('HGET', key, 'attempts') or ''
    if #old > KEPT_ATTEMPTS then
        old = string.sub(old, -KEPT_ATTEMPTS)
        old = string.sub(old, (string.find(old, '\n', 1, true) or 0) + 1)
    end
    redis.call('HSET', key, 'attempts', old .. line .. '\n')
end
