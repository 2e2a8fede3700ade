-- Removes the names of consumers that are idle and hold no pending entry; returns the names.
-- One step, because a name that reads an entry between the look and XGROUP DELCONSUMER would take that
-- entry with it: deleting a consumer forgets its pending entries, and nobody would ever claim them.
-- KEYS[1] stream   ARGV[1] group   ARGV[2] minimum idle time in ms
local removed = {}
for _, facts in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local consumer = {}
  for i = 1, #facts, 2 do
    consumer[facts[i]] = facts[i + 1]
  end
  if consumer['pending'] == 0 and consumer['idle'] >= tonumber(ARGV[2]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], consumer['name'])
    removed[#removed + 1] = consumer['name']
  end
end
return removed
