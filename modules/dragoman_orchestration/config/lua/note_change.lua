-- Writes what becomes of a change, unless that is decided already.
-- KEYS: the change's record
-- ARGV: record as JSON, seconds to keep it
-- Returns: the record that is kept now
local known = redis.call('GET', KEYS[1])
if known then
    local state = cjson.decode(known)['state']
    if state == 'applied' or state == 'rejected' or state == 'conflict' then
        return known
    end
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return ARGV[1]
