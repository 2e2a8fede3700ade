-- Change an endpoint of an owner. Setting "enabled" begins anew: what it failed before does not count.
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
    if name == 'url' or (name == 'enabled' and value == '1') then
        redis.call('HDEL', key, 'failing_since_ms', 'hold_until_ms', 'disabled_reason', 'disabled_ms')
    elseif name == 'enabled' then
        disable(id, 'by_request', now)
    end
end
changed(now)
reschedule(id, per_endpoint)
return 'ok'
