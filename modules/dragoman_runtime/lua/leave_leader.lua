-- Gives a leader's lease back, if it is held.
-- KEYS[1] the leader's key; ARGV[1] token of the one who leaves.
-- Returns 1 if it was held.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
