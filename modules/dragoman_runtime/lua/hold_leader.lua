-- Takes or renews a leader's lease.
-- KEYS[1] the leader's key; ARGV[1] token of the one who asks, ARGV[2] lease in ms.
-- Returns 1 if the lease is held now, 0 if another holds it.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
