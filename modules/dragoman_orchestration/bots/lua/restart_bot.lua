-- Somebody wants a bot's runner replaced; a wish from before that runner was launched is none. A wish that is heard
-- again is the same one, and none is of the future: the clock of whoever wished may be ahead.
-- KEYS: record
-- ARGV: when it was wished in ms, why
-- Returns: 1, or 0 if there is no such bot
if redis.call('HEXISTS', KEYS[1], 'state') == 0 then
    return 0
end
local wished = tonumber(ARGV[1])
if wished > tonumber(redis.call('HGET', KEYS[1], 'restart_wish') or '0') then
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    local at = string.format('%d', math.min(wished, now))
    redis.call('HSET', KEYS[1], 'restart_wish', ARGV[1], 'restart_ms', at, 'restart_reason', ARGV[2])
end
return 1
