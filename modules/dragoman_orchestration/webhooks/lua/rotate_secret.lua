-- Give an endpoint of an owner a new secret; the old one signs too until its time.
-- KEYS: endpoints; ARGV: id, owner, now in ms, new secret, until when the old one signs in ms
-- Returns: "ok" or "missing"
local key = endpoint_key(ARGV[1])
if redis.call('HGET', key, 'owner_key') ~= ARGV[2] then
    return 'missing'
end
local old = redis.call('HGET', key, 'secret')
if old ~= ARGV[4] then -- else a retry of a command that had arrived
    redis.call('HSET', key, 'secret', ARGV[4], 'previous_secret', old, 'previous_until_ms', ARGV[5])
    changed(ARGV[3])
end
return 'ok'
