-- Change an endpoint of an owner. With another URL, or enabled again, what it failed before does not count.
-- KEYS: endpoints; ARGV: id, owner, now in ms, deliveries under way at most, then field, value, ...
-- Returns: "ok" or "missing"
local id, owner, now, per_endpoint = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local key = endpoint_key(id)
if redis.call('HGET', key, 'owner_key') ~= owner then
    return 'missing'
end
if #ARGV > 4 then
    redis.call('HSET', key, unpack(ARGV, 5))
end
for place = 5, #ARGV, 2 do
    local name, value = ARGV[place], ARGV[place + 1]
    if name == 'enabled' and value == '0' then
        disable(id, 'by_request', now)
    elseif name == 'enabled' then
        redis.call('HDEL', key, 'failing_since_ms', 'hold_until_ms', 'disabled_reason', 'disabled_ms')
    elseif name == 'url' then
        redis.call('HDEL', key, 'failing_since_ms', 'hold_until_ms')
    end
end
changed(now)
reschedule(id, per_endpoint)
return 'ok'
