-- Change the end of a shard's log, if the writer owns it and it stands as the writer left it.
-- KEYS: head (hash), log (list of blocks), ground
-- ARGV: epoch of the writer, its turn, its turn before, records afterwards, milliseconds to live,
--       blocks to drop at the end, number of schemas, then id and JSON of each, then blocks to append
local held = redis.call('HMGET', KEYS[1], 'epoch', 'turn', 'blocks', 'ground')
if not held[1] then
  return 'emptied'
elseif tonumber(held[1]) > tonumber(ARGV[1]) then
  return 'fenced'
elseif held[1] ~= ARGV[1] then
  return 'behind'
elseif held[2] == ARGV[2] then
  return 'done'
elseif held[2] ~= ARGV[3] then
  return 'behind'
elseif redis.call('LLEN', KEYS[2]) ~= tonumber(held[3]) or redis.call('STRLEN', KEYS[3]) ~= tonumber(held[4]) then
  return 'behind' -- evicted, or changed by somebody else
end
redis.call('HSET', KEYS[1], 'turn', ARGV[2], 'records', ARGV[4])
local blocks = 8 + 2 * tonumber(ARGV[7])
for i = 8, blocks - 1, 2 do
  redis.call('HSET', KEYS[1], 'schema ' .. ARGV[i], ARGV[i + 1])
end
if tonumber(ARGV[6]) > 0 then
  redis.call('LTRIM', KEYS[2], 0, -1 - tonumber(ARGV[6]))
end
for i = blocks, #ARGV do
  redis.call('RPUSH', KEYS[2], ARGV[i])
end
redis.call('HSET', KEYS[1], 'blocks', redis.call('LLEN', KEYS[2]))
for i = 1, #KEYS do
  redis.call('PEXPIRE', KEYS[i], ARGV[5])
end
return 'done'
