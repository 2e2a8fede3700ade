-- Whether Redis still has what a worker knows of its session; a Redis that restarted may have less.
-- KEYS: owner, state, audio
-- ARGV: token, checkpoint, id of the last audio entry that was read ('' = none), its total of bytes
-- Returns 1; error FENCED if another owner holds the session, STALE if Redis has another past: then ids that were
-- read may come again for audio that was not.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return redis.error_reply('FENCED another owner holds the session')
end
if (redis.call('HGET', KEYS[2], 'checkpoint') or '') ~= ARGV[2] then
  return redis.error_reply('STALE the checkpoint is not the expected one')
end
if ARGV[3] == '' then
  return 1
end
local entry = redis.call('XRANGE', KEYS[3], ARGV[3], ARGV[3])[1]
if entry then
  for i = 1, #entry[2], 2 do
    if entry[2][i] == 'n' and entry[2][i + 1] == ARGV[4] then
      return 1
    end
  end
end
return redis.error_reply('STALE the audio that was read last is not there')
