-- The worker's step on a bot that it holds: fields, and what is told about it, in one.
-- KEYS: record, events, screenshots, live bots of the key, bot of the session
-- ARGV: id, token of the lease, seq that the step builds on, name of this step, 1 if it ends the bot, seconds to
--       keep one that has ended, events kept, number of record fields and values, these, then fields and values
--       of the event, if there is one
-- Returns: "ok", "missing", "fenced" (another worker holds the bot) or "stale" (it is not at this seq)
local record, events = KEYS[1], KEYS[2]
local found = redis.call('HMGET', record, 'lease', 'seq', 'step')
if not found[2] then
    return 'missing'
end
if found[1] ~= ARGV[2] then
    return 'fenced'
end
if found[3] == ARGV[4] then
    return 'ok' -- a retry of a command that had arrived
end
if found[2] ~= ARGV[3] then
    return 'stale'
end
local count = tonumber(ARGV[8])
redis.call('HSET', record, 'step', ARGV[4], unpack(ARGV, 9, 8 + count))
if ARGV[5] == '1' then
    redis.call('SREM', KEYS[4], ARGV[1])
    if redis.call('GET', KEYS[5]) == ARGV[1] then
        redis.call('DEL', KEYS[5])
    end
    redis.call('EXPIRE', record, ARGV[6])
    redis.call('EXPIRE', KEYS[3], ARGV[6])
end
if #ARGV > 8 + count then
    redis.call('XADD', events, 'MAXLEN', '~', ARGV[7], '*', unpack(ARGV, 9 + count))
end
return 'ok'
