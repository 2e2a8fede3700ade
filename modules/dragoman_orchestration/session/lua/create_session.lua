-- Make a session's record, unless a limit on the number of sessions is reached. One atomic step, so that two
-- processes cannot both take the last place.
-- KEYS: record, index, active, active of the key
-- ARGV: session id, now in ms, limit of all, limit of the key, sessions on other shards, the key's sessions on
--       other shards, seconds until an unopened record expires, key prefix of the shard, then field, value, ...
-- Returns: "created", "limit" or "limit_of_key"
local record, index, active, active_of = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, now, prefix = ARGV[1], ARGV[2], ARGV[8]

-- Workers end sessions without knowing of limits, so ended ones are only dropped here, when it matters.
local function count(set, limit, elsewhere)
    local here = redis.call('ZCARD', set)
    if here + elsewhere < limit then
        return here + elsewhere
    end
    for _, member in ipairs(redis.call('ZRANGE', set, 0, -1)) do
        local status = redis.call('HGET', prefix .. member .. ':record', 'status')
        if not status or status == 'ended' then
            redis.call('ZREM', set, member)
        end
    end
    return redis.call('ZCARD', set) + elsewhere
end

if redis.call('EXISTS', record) == 1 then
    return 'created' -- a retry of a command that had arrived
end
if count(active, tonumber(ARGV[3]), tonumber(ARGV[5])) >= tonumber(ARGV[3]) then
    return 'limit'
end
if count(active_of, tonumber(ARGV[4]), tonumber(ARGV[6])) >= tonumber(ARGV[4]) then
    return 'limit_of_key'
end
redis.call('HSET', record, unpack(ARGV, 9))
redis.call('EXPIRE', record, ARGV[7])
redis.call('ZADD', index, now, id)
redis.call('ZADD', active, now, id)
redis.call('ZADD', active_of, now, id)
return 'created'
