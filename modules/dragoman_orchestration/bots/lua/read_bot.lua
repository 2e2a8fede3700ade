-- A bot's record together with the time: all of a bot's times are those of one clock.
-- KEYS: record
-- Returns: {now in ms, {field, value, ...}}
local time = redis.call('TIME')
return { time[1] * 1000 + math.floor(time[2] / 1000), redis.call('HGETALL', KEYS[1]) }
