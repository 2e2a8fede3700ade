-- Forget a session that was given up: its dead letter and the audio that was kept for a retry.
-- KEYS: dead-letter stream, record, audio, outbox   ARGV: id of the dead letter
-- Returns 1 if there was such a dead letter.
if redis.call('XDEL', KEYS[1], ARGV[1]) == 0 then
  return 0
end
local status = redis.call('HGET', KEYS[2], 'status')
if not status or status == 'ended' then
  redis.call('DEL', KEYS[3], KEYS[4])
end
return 1
