-- Change what a session wants, or how it is called.
-- KEYS: record
-- ARGV: "live" (not if it has ended meanwhile) or "any", then field, value, ... of the record
-- Returns: "ok", "missing" or "ended"
local status = redis.call('HGET', KEYS[1], 'status')
if not status then
    return 'missing'
end
if status == 'ended' and ARGV[1] == 'live' then
    return 'ended'
end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
return 'ok'
