-- Makes a new version of the configuration, if the one in force is still the one that it was made from.
-- KEYS: state, history, the change's record
-- ARGV: version in force as expected, new version, document as JSON, its checksum, time in unix ms, by whom,
--       change id, history entry as JSON, number of versions to keep, the change's record as JSON,
--       seconds to keep that
-- Returns: {"stored", ""}; {"known", record} if this change was decided before; {"conflict", version in force}
local known = redis.call('GET', KEYS[3])
if known then
    local state = cjson.decode(known)['state']
    if state == 'applied' or state == 'rejected' or state == 'conflict' then
        return {'known', known}
    end
end
local version = redis.call('HGET', KEYS[1], 'version') or '0'
if version ~= ARGV[1] then
    return {'conflict', version}
end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'document', ARGV[3], 'checksum', ARGV[4],
    'changed_ms', ARGV[5], 'changed_by', ARGV[6], 'change_id', ARGV[7])
redis.call('ZREMRANGEBYSCORE', KEYS[2], ARGV[2], ARGV[2])
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[8])
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -(tonumber(ARGV[9]) + 1))
redis.call('SET', KEYS[3], ARGV[10], 'EX', ARGV[11])
return {'stored', ''}
