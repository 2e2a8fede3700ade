-- Keep a runner's report, if it is of the runner that the bot has and newer than what is known.
-- KEYS: record, screenshots
-- ARGV: generation, seq, report as JSON, 1 if it tells of sound, screenshot ("" for none), screenshots kept
-- Returns: {"kept" or "known", state, 1 if somebody wants it to end, completion}, {"fenced"} or {"missing"}
local record, shots = KEYS[1], KEYS[2]
local found = redis.call('HMGET', record, 'generation', 'report', 'state', 'stop_ms', 'completion')
if not found[3] then
    return { 'missing' }
end
if tonumber(found[1] or '0') ~= tonumber(ARGV[1]) then
    return { 'fenced' }
end
local known = -1
if found[2] and found[2] ~= '' then
    local last = cjson.decode(found[2])
    if last['generation'] == tonumber(ARGV[1]) then
        known = last['seq']
    end
end
local told = 'known'
if tonumber(ARGV[2]) > known then
    told = 'kept'
    local time = redis.call('TIME')
    local now = string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000))
    redis.call('HSET', record, 'report', ARGV[3], 'report_ms', now)
    if ARGV[4] == '1' then
        redis.call('HSET', record, 'sound_ms', now)
    end
    if ARGV[5] ~= '' and redis.call('HLEN', shots) < tonumber(ARGV[6]) then
        redis.call('HSET', shots, now, ARGV[5])
        redis.call('EXPIRE', shots, 604800)
    end
end
local stops = tonumber(found[4] or '0') > 0 and 1 or 0
return { told, found[3], stops, found[5] or '' }
