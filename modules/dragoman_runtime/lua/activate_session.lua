-- Become the owner of a leased session: set a fresh fencing token, count the generation, read the checkpoint.
-- KEYS: owner, state, outbox, sessions stream, results   ARGV: token, group, consumer, entry id
-- Returns {generation, checkpoint, state, offset, ledger, outbox}. Whoever held another token is fenced from here on.
-- Error FENCED if the lease is not mine: a worker that slept between its claim and this step must not take the
-- session from whoever claimed it meanwhile.
local pending = redis.call('XPENDING', KEYS[4], ARGV[2], ARGV[4], ARGV[4], 1)
if not pending[1] or pending[1][2] ~= ARGV[3] then
  return redis.error_reply('FENCED another worker holds the lease')
end
redis.call('SET', KEYS[1], ARGV[1])
if redis.call('EXISTS', KEYS[5]) == 1 then
  -- A Redis that lost the state and not the results: offsets must go on after what is there.
  local info = redis.call('XINFO', 'STREAM', KEYS[5])
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then
      local last = tonumber(string.match(info[i + 1], '^(%d+)-'))
      if last > tonumber(redis.call('HGET', KEYS[2], 'offset') or '0') then
        redis.call('HSET', KEYS[2], 'offset', last)
      end
    end
  end
end
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
