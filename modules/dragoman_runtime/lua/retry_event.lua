-- Put an event back on the stream that it came from.
-- KEYS: dead-letter stream, stream   ARGV: id of the dead letter, then the fields and values of the entry as it was
-- Returns the id on the stream; error GONE if there is no such dead letter.
if #redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1]) == 0 then
  return redis.error_reply('GONE there is no such dead letter')
end
-- Before it is removed: a Redis without memory refuses this, and then nothing has happened.
local id = redis.call('XADD', KEYS[2], '*', unpack(ARGV, 2))
redis.call('XDEL', KEYS[1], ARGV[1])
return id
