-- Make a bot, unless it was asked for before, its session has one, or its key has too many.
-- KEYS: record, index, queue, events, live bots of the key, bot of the session, client key if there is one
-- ARGV: id, digest of the request, created in ms, join at in ms, limit of live bots, seconds to know the client
--       key, events kept, number of record fields and values, these, then the fields and values of the event
-- Returns: {"created"}, {"known", id, digest}, {"taken", id of the session's bot} or {"limit"}
local record, index, queue, events, live, of_session, client = unpack(KEYS)
local id = ARGV[1]

if redis.call('EXISTS', record) == 1 then
    return { 'created' } -- a retry of a command that had arrived
end
if client then
    local known = redis.call('GET', client)
    if known then
        local bot, digest = string.match(known, '^(%S+) (%S+)$')
        if redis.call('EXISTS', '{bots}:' .. bot .. ':record') == 1 then
            return { 'known', bot, digest }
        end
    end
end
local other = redis.call('GET', of_session)
if other then
    return { 'taken', other }
end
if redis.call('SCARD', live) >= tonumber(ARGV[5]) then
    return { 'limit' }
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local count = tonumber(ARGV[8])
redis.call('HSET', record, unpack(ARGV, 9, 8 + count))
redis.call('ZADD', index, ARGV[3], id)
redis.call('ZADD', queue, math.max(now, tonumber(ARGV[4])), id)
redis.call('SADD', live, id)
redis.call('SET', of_session, id, 'EX', ARGV[6])
if client then
    redis.call('SET', client, id .. ' ' .. ARGV[2], 'EX', ARGV[6])
end
redis.call('XADD', events, 'MAXLEN', '~', ARGV[7], '*', unpack(ARGV, 9 + count))
return { 'created' }
