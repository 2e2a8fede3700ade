-- Become the owner of a leased session: set a fresh fencing token, count the generation, read the checkpoint.
-- KEYS: owner, state, outbox   ARGV: token
-- Returns {generation, checkpoint, state, offset, ledger, outbox}. Whoever held another token is fenced from here on.
redis.call('SET', KEYS[1], ARGV[1])
local generation = redis.call('HINCRBY', KEYS[2], 'generation', 1)
local state = redis.call('HMGET', KEYS[2], 'checkpoint', 'state', 'offset', 'ledger')
return {
  generation,
  state[1] or '',
  state[2] or '',
  tonumber(state[3] or '0'),
  state[4] or '',
  redis.call('HGETALL', KEYS[3]),
}
