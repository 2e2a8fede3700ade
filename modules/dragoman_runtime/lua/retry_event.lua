-- Put an event back on the stream that it came from, without the fields that tell of its death.
-- KEYS: dead-letter stream, stream   ARGV: id of the dead letter
-- Returns the id on the stream; error GONE if there is no such dead letter.
local dead = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not dead then
  return redis.error_reply('GONE there is no such dead letter')
end
local fields = {}
for i = 1, #dead[2], 2 do
  if string.sub(dead[2][i], 1, 3) ~= 'dl_' then
    fields[#fields + 1] = dead[2][i]
    fields[#fields + 1] = dead[2][i + 1]
  end
end
local id = redis.call('XADD', KEYS[2], '*', unpack(fields))
redis.call('XDEL', KEYS[1], ARGV[1])
return id
