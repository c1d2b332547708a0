-- Make what was staged the log and the ground of a shard, whatever there was before.
-- KEYS: head, log, ground, stage
-- ARGV: epoch of the writer, its turn, name of the writer, mark, records, milliseconds to live, parts of the ground,
--       parts in all, number of schemas, then id and JSON of each
local held = redis.call('HMGET', KEYS[1], 'epoch', 'turn')
if held[1] and tonumber(held[1]) > tonumber(ARGV[1]) then
  return 'fenced'
elseif held[1] == ARGV[1] and held[2] == ARGV[2] then
  return 'done'
elseif held[1] == ARGV[1] and tonumber(held[2]) > tonumber(ARGV[2]) then
  return 'behind'
elseif redis.call('LINDEX', KEYS[4], 0) ~= ARGV[1] .. ' ' .. ARGV[2] then
  return 'behind'
elseif redis.call('LLEN', KEYS[4]) ~= 1 + tonumber(ARGV[8]) then
  return 'behind'
end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'turn', ARGV[2], 'owner', ARGV[3], 'mark', ARGV[4], 'records', ARGV[5])
for i = 10, 9 + 2 * tonumber(ARGV[9]), 2 do
  redis.call('HSET', KEYS[1], 'schema ' .. ARGV[i], ARGV[i + 1])
end
redis.call('LPOP', KEYS[4])
redis.call('DEL', KEYS[2])
local ground = {}
for i = 1, tonumber(ARGV[7]) do
  ground[i] = redis.call('LPOP', KEYS[4])
end
redis.call('SET', KEYS[3], table.concat(ground))
if redis.call('EXISTS', KEYS[4]) == 1 then
  redis.call('RENAME', KEYS[4], KEYS[2])
end
redis.call('HSET', KEYS[1], 'blocks', redis.call('LLEN', KEYS[2]), 'ground', redis.call('STRLEN', KEYS[3]))
for i = 1, 3 do
  redis.call('PEXPIRE', KEYS[i], ARGV[6])
end
return 'done'
