-- Put a session that was given up back: its opening on the stream that workers lease from, its audio and checkpoint
-- in force again, its status "ending", so that what is left of its audio is transcribed and its end told anew.
-- KEYS: dead-letter stream, sessions stream, record, state, results, audio, outbox
-- ARGV: id of the dead letter, reason for the end of the audio if it has none, then the fields and values of the
-- session's opening as it was
-- Returns the id on the sessions stream; error GONE (no such dead letter), EXPIRED (its audio or record), RUNNING.
if #redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1]) == 0 then
  return redis.error_reply('GONE there is no such dead letter')
end
if redis.call('EXISTS', KEYS[6]) == 0 or redis.call('EXISTS', KEYS[3]) == 0 then
  return redis.error_reply('EXPIRED the session\'s audio is gone')
end
if redis.call('HGET', KEYS[3], 'status') ~= 'ended' then
  return redis.error_reply('RUNNING the session has not ended')
end
for i = 3, 7 do
  redis.call('PERSIST', KEYS[i])
end
redis.call('HSET', KEYS[3], 'status', 'ending')
redis.call('HDEL', KEYS[3], 'ended_ms')

local told = redis.call('XREVRANGE', KEYS[5], '+', '-', 'COUNT', 1)[1]
if told then
  for i = 1, #told[2], 2 do
    if told[2][i] == 't' and told[2][i + 1] == 'session.ended' then
      redis.call('XDEL', KEYS[5], told[1]) -- a viewer would stop reading there
    end
  end
end

local last = redis.call('XREVRANGE', KEYS[6], '+', '-', 'COUNT', 1)[1]
local kind, total = '', '0'
if last then
  for i = 1, #last[2], 2 do
    if last[2][i] == 'k' then kind = last[2][i + 1] end
    if last[2][i] == 'n' then total = last[2][i + 1] end
  end
end
if kind ~= 'e' then
  local epoch = tonumber(redis.call('HGET', KEYS[3], 'epoch') or '0')
  if last then
    epoch = math.max(epoch, tonumber(string.match(last[1], '^(%d+)-')))
  end
  epoch = string.format('%d', epoch + 1)
  redis.call('XADD', KEYS[6], epoch .. '-1', 'k', 'e', 'd', ARGV[2], 'n', total)
  redis.call('HSET', KEYS[3], 'epoch', epoch)
end

local id = redis.call('XADD', KEYS[2], '*', unpack(ARGV, 3))
redis.call('HSET', KEYS[3], 'opened', id)
redis.call('XDEL', KEYS[1], ARGV[1])
return id
