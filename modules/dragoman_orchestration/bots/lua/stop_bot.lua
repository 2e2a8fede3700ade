-- Somebody wants a bot to end; the first one counts.
-- KEYS: record, queue
-- ARGV: id, who
-- Returns: 1, or 0 if there is no such bot
if redis.call('HEXISTS', KEYS[1], 'state') == 0 then
    return 0
end
local state = redis.call('HGET', KEYS[1], 'state')
local stopped = tonumber(redis.call('HGET', KEYS[1], 'stop_ms') or '0')
if stopped == 0 and state ~= 'completed' and state ~= 'failed' then
    local time = redis.call('TIME')
    local now = string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000))
    redis.call('HSET', KEYS[1], 'stop_ms', now, 'stop_by', ARGV[2])
    redis.call('ZADD', KEYS[2], 'XX', 0, ARGV[1])
end
return 1
