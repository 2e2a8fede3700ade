-- A speaker connects: bump the connection epoch, fence the speaker before it, and tell where to go on.
-- The first entry of the connection is appended in the same step. Were it appended later, a stale gateway could
-- still append in between, and the total told here would be too small: audio would be sent twice.
-- KEYS: record, audio, state, stream of opened sessions
-- ARGV: now in ms, canonical format, data of the first entry, options as JSON ("" keeps them), the oldest byte
--       that the speaker still has (0: all of them), translation as JSON ("" keeps it) and its target languages,
--       then the fields and values of the AudioSessionOpened envelope
-- Returns: {"opened", epoch, bytes accepted so far, 1 if the session had a speaker before}, {"missing"},
--          {"ended", status} or {"format", the session's format}
local record, audio, state, sessions = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local now, format, configure, options, oldest = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])

local found = redis.call('HMGET', record, 'status', 'format', 'epoch', 'opened')
local status, known_format, opened = found[1], found[2], found[4]
if not status then
    return { 'missing' }
end
if status == 'ending' or status == 'ended' then
    return { 'ended', status }
end
if known_format and known_format ~= format then
    return { 'format', known_format }
end

local epoch = tonumber(found[3] or '0')
local total = tonumber(redis.call('HGET', state, 'consumed_bytes') or '0')
if redis.call('EXISTS', audio) == 1 then
    -- A Redis that lost its last second may have lost the record's newest epoch, but kept an entry of it.
    local info = redis.call('XINFO', 'STREAM', audio)
    for i = 1, #info, 2 do
        if info[i] == 'last-generated-id' then
            epoch = math.max(epoch, tonumber(string.match(info[i + 1], '^(%d+)-')))
        end
    end
    local last = redis.call('XREVRANGE', audio, '+', '-', 'COUNT', 1)[1]
    if last then
        local fields = last[2]
        for i = 1, #fields, 2 do
            if fields[i] == 'n' then
                total = math.max(total, tonumber(fields[i + 1]))
            end
        end
    end
end
epoch = epoch + 1
-- What neither Redis nor the speaker has is lost. The first entry says so: its total is more than all before it.
total = math.max(total, oldest)

redis.call('XADD', audio, string.format('%d-1', epoch), 'k', 'f', 'd', configure, 'n', string.format('%d', total))
redis.call('HSET', record, 'epoch', string.format('%d', epoch), 'status', 'live', 'seen_ms', now)
if not opened then
    if options ~= '' then
        redis.call('HSET', record, 'options', options)
    end
    if ARGV[6] ~= '' then
        redis.call('HSET', record, 'translation', ARGV[6], 'targets', ARGV[7])
    end
    local entry = redis.call('XADD', sessions, '*', unpack(ARGV, 8))
    redis.call('HSET', record, 'opened', entry, 'format', format)
    redis.call('PERSIST', record)
end
return { 'opened', epoch, total, opened and 1 or 0 }
