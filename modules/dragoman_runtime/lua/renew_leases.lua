-- Renew the leases that are still mine. A plain XCLAIM would steal back what another worker took over.
-- KEYS: sessions stream   ARGV: group, consumer, then pairs (entry id, '1' if it made progress since the last renewal)
-- Progress resets the delivery counter, so that only a session that kills its workers reaches the dead letters.
-- Returns the ids that are still mine.
local kept = {}
for i = 3, #ARGV, 2 do
  local id = ARGV[i]
  local pending = redis.call('XPENDING', KEYS[1], ARGV[1], id, id, 1)
  if pending[1] and pending[1][2] == ARGV[2] then
    if ARGV[i + 1] == '1' then
      redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, id, 'RETRYCOUNT', 1, 'JUSTID')
    else
      redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, id, 'JUSTID')
    end
    kept[#kept + 1] = id
  end
end
return kept
