-- End a session for good: its lease entry, audio and owner go, what people may still read expires.
-- KEYS: owner, state, results, audio, outbox, record, sessions stream
-- ARGV: token, group, entry id, now in ms, retention in s
-- Returns 1; error FENCED if another owner holds the session.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return redis.error_reply('FENCED another owner holds the session')
end
redis.call('XACK', KEYS[7], ARGV[2], ARGV[3])
redis.call('XDEL', KEYS[7], ARGV[3])
redis.call('DEL', KEYS[1], KEYS[4], KEYS[5])
if redis.call('EXISTS', KEYS[6]) == 1 then
  redis.call('HSET', KEYS[6], 'status', 'ended', 'ended_ms', ARGV[4])
end
for _, key in ipairs({ KEYS[2], KEYS[3], KEYS[6] }) do
  redis.call('EXPIRE', key, ARGV[5])
end
return 1
