-- Somebody wants a bot's runner replaced; a wish from before that runner was launched is none.
-- KEYS: record
-- ARGV: when it was wished in ms, why
-- Returns: 1, or 0 if there is no such bot
if redis.call('HEXISTS', KEYS[1], 'state') == 0 then
    return 0
end
if tonumber(ARGV[1]) > tonumber(redis.call('HGET', KEYS[1], 'restart_ms') or '0') then
    redis.call('HSET', KEYS[1], 'restart_ms', ARGV[1], 'restart_reason', ARGV[2])
end
return 1
