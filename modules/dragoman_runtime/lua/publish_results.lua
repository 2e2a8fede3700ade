-- One atomic step of a session: results, checkpoint, state, trimmed audio, outbox. Nothing of it without the fence.
-- KEYS: owner, state, results, audio, outbox
-- ARGV: token, expected checkpoint, new checkpoint (unique to this step), time in ms,
--       audio id to trim before ('' = none), offsets of superseded partials to drop (separated by spaces),
--       number of state fields n, n pairs (field, value),
--       then for each event: type, data, outbox ('1' = record it for what follows from it), trace ('' = not traced)
-- Returns the offset of the last event; error FENCED if another owner holds the session, STALE if the checkpoint moved.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return redis.error_reply('FENCED another owner holds the session')
end
local checkpoint = redis.call('HGET', KEYS[2], 'checkpoint') or ''
if checkpoint == ARGV[3] then
  -- The same step again: its reply was lost on the way. It is done.
  return tonumber(redis.call('HGET', KEYS[2], 'offset') or '0')
end
if checkpoint ~= ARGV[2] then
  return redis.error_reply('STALE the checkpoint is not the expected one')
end
local offset = tonumber(redis.call('HGET', KEYS[2], 'offset') or '0')
for superseded in string.gmatch(ARGV[6], '%d+') do
  redis.call('XDEL', KEYS[3], superseded .. '-0')
end
local fields = tonumber(ARGV[7])
local first_event = 8 + 2 * fields
for i = first_event, #ARGV, 4 do
  offset = offset + 1
  if ARGV[i + 3] == '' then
    redis.call('XADD', KEYS[3], offset .. '-0', 't', ARGV[i], 'd', ARGV[i + 1], 'ms', ARGV[4])
  else
    redis.call('XADD', KEYS[3], offset .. '-0', 't', ARGV[i], 'd', ARGV[i + 1], 'ms', ARGV[4], 'p', ARGV[i + 3])
  end
  if ARGV[i + 2] == '1' then
    redis.call('HSET', KEYS[5], offset, ARGV[i + 1])
  end
end
redis.call('HSET', KEYS[2], 'checkpoint', ARGV[3], 'offset', offset, unpack(ARGV, 8, 7 + 2 * fields))
if ARGV[5] ~= '' then
  redis.call('XTRIM', KEYS[4], 'MINID', ARGV[5])
end
return offset
