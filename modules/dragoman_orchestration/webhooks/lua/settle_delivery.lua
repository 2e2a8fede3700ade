-- Note how an attempt went. Only the lease that it was made under may tell: another courier may have it by now.
-- KEYS: endpoints; ARGV: endpoint id, delivery id, now in ms, deliveries under way at most, token of the lease,
--       line of the attempt, verdict (delivered, retry, failed, gone), reason, next attempt in ms,
--       until when the endpoint is left alone in ms (0: not), ms to keep, ms of failing until it is disabled
-- Returns: "ok", "fenced", or "disabled" when this disabled the endpoint
local id, delivery, now, per_endpoint = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local verdict, reason, next_ms = ARGV[7], ARGV[8], ARGV[9]
local key, endpoint = delivery_key(delivery), endpoint_key(id)
if redis.call('HGET', key, 'lease') ~= ARGV[5] then
    return 'fenced'
end
redis.call('ZREM', leased_key(id), delivery)
if redis.call('EXISTS', endpoint) == 0 then
    redis.call('UNLINK', key)
    return 'ok'
end
add_attempt(delivery, ARGV[6])
redis.call('HDEL', key, 'lease')
local enabled = redis.call('HGET', endpoint, 'enabled') == '1'
local answer = 'ok'
if verdict == 'delivered' then
    redis.call('HSET', key, 'state', 'delivered', 'reason', '')
    redis.call('HSET', endpoint, 'last_success_ms', now)
    redis.call('HDEL', endpoint, 'failing_since_ms', 'hold_until_ms')
    redis.call('PEXPIRE', key, ARGV[11])
else
    redis.call('HSETNX', endpoint, 'failing_since_ms', now)
    redis.call('HSET', endpoint, 'last_failure_ms', now)
    if ARGV[10] ~= '0' then
        redis.call('HSET', endpoint, 'hold_until_ms', ARGV[10])
    end
    if verdict == 'retry' and enabled then
        redis.call('HSET', key, 'state', 'pending', 'next_ms', next_ms)
        redis.call('ZADD', queue_key(id), next_ms, delivery)
        redis.call('PEXPIRE', key, next_ms - now + ARGV[11])
    else
        fail(delivery, verdict == 'retry' and 'endpoint_disabled' or reason)
        redis.call('PEXPIRE', key, ARGV[11])
    end
    local failing_ms = now - redis.call('HGET', endpoint, 'failing_since_ms')
    if enabled and (verdict == 'gone' or failing_ms >= tonumber(ARGV[12])) then
        disable(id, verdict == 'gone' and 'gone' or 'failing', now)
        answer = 'disabled'
    end
end
reschedule(id, per_endpoint)
return answer
