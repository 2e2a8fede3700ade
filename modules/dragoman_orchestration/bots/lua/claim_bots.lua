-- Take bots: those whose worker went silent, those that are to stop before they began, and those that are due.
-- KEYS: leases, queue
-- ARGV: worker, token, lease in ms, room for bots that are due, most of the others, before and after the id in a
--       record's key
-- Returns: {id, token, id, token, ...}. A queue's score of 0 is of a bot that is to stop: it needs no room.
local leases, queue = KEYS[1], KEYS[2]
local worker, token, lease, room, most = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local taken = {}

local function take(id)
    redis.call('ZREM', queue, id)
    local record = ARGV[6] .. id .. ARGV[7]
    if redis.call('EXISTS', record) == 0 then
        redis.call('ZREM', leases, id)
        return false
    end
    local mine = token .. '.' .. #taken
    redis.call('HSET', record, 'lease', mine, 'worker', worker)
    redis.call('ZADD', leases, now + lease, id)
    taken[#taken + 1] = id
    taken[#taken + 1] = mine
    return true
end

for _, id in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', now, 'LIMIT', 0, most)) do
    take(id)
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', queue, '-inf', 0, 'LIMIT', 0, most)) do
    take(id)
end
while room > 0 do
    local id = redis.call('ZRANGEBYSCORE', queue, 1, now, 'LIMIT', 0, 1)[1]
    if not id then
        break
    end
    if take(id) then
        room = room - 1
    end
end
return taken
