-- Put a piece of a new log aside, until `swap` makes it the log.
-- KEYS: head, stage (list: epoch and turn of the writer, then parts)
-- ARGV: epoch of the writer, its turn, parts that stand there before, milliseconds to live, then parts
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if epoch and tonumber(epoch) > tonumber(ARGV[1]) then
  return 'fenced'
end
local name, before, parts = ARGV[1] .. ' ' .. ARGV[2], tonumber(ARGV[3]), #ARGV - 4
if before == 0 then
  redis.call('DEL', KEYS[2])
  redis.call('RPUSH', KEYS[2], name)
elseif redis.call('LINDEX', KEYS[2], 0) ~= name then
  return 'behind'
end
local there = redis.call('LLEN', KEYS[2]) - 1
if there == before + parts then
  return 'done'
elseif there ~= before then
  return 'behind'
end
for i = 5, #ARGV do
  redis.call('RPUSH', KEYS[2], ARGV[i])
end
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return 'done'
