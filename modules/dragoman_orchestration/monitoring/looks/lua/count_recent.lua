-- How many entries were added to a stream of late, by Redis' own clock; their contents stay in Redis.
-- KEYS: stream   ARGV: how late, in ms; most that are counted
local now = redis.call('TIME')
local since = tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000) - tonumber(ARGV[1])
return #redis.call('XRANGE', KEYS[1], string.format('%d-0', since), '+', 'COUNT', ARGV[2])
