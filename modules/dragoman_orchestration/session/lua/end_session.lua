-- No more audio: append the end entry, or end at once a session that never had any.
-- KEYS: record, audio, results, state, active, active of the key
-- ARGV: session id, now in ms, reason, the speaker's epoch ("" fences the speaker with a new one), the speaker's
--       sequence number, seconds to keep what an unopened session leaves, its session.ended message
-- Returns: {"ok", status after}, {"missing"} or {"fenced"}
local record, audio, results, state = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, now, reason, speaker, keep = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[6]

local found = redis.call('HMGET', record, 'status', 'epoch')
local status, epoch = found[1], tonumber(found[2] or '0')
if not status then
    return { 'missing' }
end
if status == 'ending' or status == 'ended' then
    return { 'ok', status }
end
if status == 'created' then
    redis.call('XADD', results, '1-0', 't', 'session.ended', 'd', ARGV[7], 'ms', now)
    redis.call('HSET', record, 'status', 'ended', 'ended_ms', now, 'end_reason', reason)
    if redis.call('HGET', record, 'recording') == 'recording' then
        redis.call('HSET', record, 'recording', 'complete')
    end
    redis.call('ZREM', KEYS[5], id)
    redis.call('ZREM', KEYS[6], id)
    redis.call('EXPIRE', record, keep)
    redis.call('EXPIRE', results, keep)
    return { 'ok', 'ended' }
end
-- Greater only: a Redis that lost its last second may have forgotten this speaker's own epoch.
if speaker ~= '' and epoch > tonumber(speaker) then
    return { 'fenced' }
end

local total = tonumber(redis.call('HGET', state, 'consumed_bytes') or '0')
local last = redis.call('XREVRANGE', audio, '+', '-', 'COUNT', 1)[1]
if last then
    epoch = math.max(epoch, tonumber(string.match(last[1], '^(%d+)-')))
    for i = 1, #last[2], 2 do
        if last[2][i] == 'n' then
            total = math.max(total, tonumber(last[2][i + 1]))
        end
    end
end
local entry
if speaker == '' then
    epoch = epoch + 1
    entry = string.format('%d-1', epoch)
else
    entry = speaker .. '-' .. ARGV[5]
end
redis.call('XADD', audio, entry, 'k', 'e', 'd', reason, 'n', string.format('%d', total))
redis.call('HSET', record, 'epoch', string.format('%d', epoch), 'status', 'ending', 'end_reason', reason)
return { 'ok', 'ending' }
