-- Renew the leases on bots.
-- KEYS: leases
-- ARGV: lease in ms, before and after the id in a record's key, then id, token, id, token, ...
-- Returns: the ids whose lease is still that of the token.
local time = redis.call('TIME')
local ends = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[1])
local kept = {}
for i = 4, #ARGV, 2 do
    if redis.call('HGET', ARGV[2] .. ARGV[i] .. ARGV[3], 'lease') == ARGV[i + 1] then
        redis.call('ZADD', KEYS[1], ends, ARGV[i])
        kept[#kept + 1] = ARGV[i]
    end
end
return kept
