-- Change into what a session is translated, unless it has ended meanwhile.
-- KEYS: record
-- ARGV: translation as JSON, its target languages
-- Returns: "ok", "missing" or "ended"
local status = redis.call('HGET', KEYS[1], 'status')
if not status then
    return 'missing'
end
if status == 'ended' then
    return 'ended'
end
redis.call('HSET', KEYS[1], 'translation', ARGV[1], 'targets', ARGV[2])
return 'ok'
