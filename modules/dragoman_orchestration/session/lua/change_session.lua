-- Change what a session wants, unless it has ended meanwhile.
-- KEYS: record
-- ARGV: field, value, ... of the record
-- Returns: "ok", "missing" or "ended"
local status = redis.call('HGET', KEYS[1], 'status')
if not status then
    return 'missing'
end
if status == 'ended' then
    return 'ended'
end
redis.call('HSET', KEYS[1], unpack(ARGV))
return 'ok'
