-- Become the owner of a leased session: set a fresh fencing token, count the generation, read the checkpoint.
-- KEYS: owner, state, outbox, sessions stream   ARGV: token, group, consumer, entry id
-- Returns {generation, checkpoint, state, offset, ledger, outbox}. Whoever held another token is fenced from here on.
-- Error FENCED if the lease is not mine: a worker that slept between its claim and this step must not take the
-- session from whoever claimed it meanwhile.
local pending = redis.call('XPENDING', KEYS[4], ARGV[2], ARGV[4], ARGV[4], 1)
if not pending[1] or pending[1][2] ~= ARGV[3] then
  return redis.error_reply('FENCED another worker holds the lease')
end
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
