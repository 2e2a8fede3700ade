-- Give a session up: told to its clients, kept among the dead letters, its lease gone. One atomic step, so that it is
-- neither told twice nor forgotten. Its audio and state stay for the retention: a retry goes on from its checkpoint.
-- KEYS: owner, state, results, audio, outbox, record, sessions stream, dead-letter stream
-- ARGV: token, group, entry id, now in ms, retention in s, id of the audio's last entry ('' = none), ledger,
--       number of dead-letter fields n, n pairs (field, value), then for each event: type, data
-- Returns the offset of the last event; error FENCED if another owner holds the session, CHANGED if audio has come
-- since the ledger was written.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return redis.error_reply('FENCED another owner holds the session')
end
local last = redis.call('XREVRANGE', KEYS[4], '+', '-', 'COUNT', 1)[1]
if (last and last[1] or '') ~= ARGV[6] then
  return redis.error_reply('CHANGED audio has come meanwhile')
end
local fields = tonumber(ARGV[8])
redis.call('XADD', KEYS[8], '*', unpack(ARGV, 9, 8 + 2 * fields))
local offset = tonumber(redis.call('HGET', KEYS[2], 'offset') or '0')
for i = 9 + 2 * fields, #ARGV, 2 do
  offset = offset + 1
  redis.call('XADD', KEYS[3], offset .. '-0', 't', ARGV[i], 'd', ARGV[i + 1], 'ms', ARGV[4])
end
redis.call('HSET', KEYS[2], 'offset', offset, 'ledger', ARGV[7])
redis.call('XACK', KEYS[7], ARGV[2], ARGV[3])
redis.call('XDEL', KEYS[7], ARGV[3])
redis.call('DEL', KEYS[1])
if redis.call('EXISTS', KEYS[6]) == 1 then
  redis.call('HSET', KEYS[6], 'status', 'ended', 'ended_ms', ARGV[4])
end
for i = 2, 6 do
  redis.call('EXPIRE', KEYS[i], ARGV[5])
end
return offset
