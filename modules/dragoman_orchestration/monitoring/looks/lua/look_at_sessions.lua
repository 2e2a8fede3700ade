-- How far sessions are, without their audio leaving Redis.
-- KEYS: record, state and audio stream of each session, all of one slot
-- Returns for each session an empty list if it has ended or is gone, else: status, profile, created_ms, owner_key,
-- format, opened, committed_ms, heard_ms, consumed_bytes, generation, bytes of audio accepted so far
local found = {}
for i = 1, #KEYS, 3 do
  local seen = redis.call('HMGET', KEYS[i], 'status', 'profile', 'created_ms', 'owner_key', 'format', 'opened')
  if not seen[1] or seen[1] == 'ended' then
    found[#found + 1] = {}
  else
    local state = redis.call('HMGET', KEYS[i + 1], 'committed_ms', 'heard_ms', 'consumed_bytes', 'generation')
    for place = 1, 4 do
      seen[6 + place] = state[place]
    end
    local total = state[3] or '0'
    local last = redis.call('XREVRANGE', KEYS[i + 2], '+', '-', 'COUNT', 1)[1]
    if last then
      for field = 1, #last[2], 2 do
        if last[2][field] == 'n' then
          total = last[2][field + 1]
        end
      end
    end
    seen[11] = total
    found[#found + 1] = seen
  end
end
return found
