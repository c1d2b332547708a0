-- Become the owner of a shard's log; whoever owned it before can't write any more.
-- KEYS: head, log, ground
-- ARGV: epoch, name of the claimer, mark for a new log, milliseconds to live
-- Answers the head, or the least epoch that would do: epochs grow with the server's clock, so that they go on
-- growing when the head was lost.
local held = redis.call('HMGET', KEYS[1], 'epoch', 'owner')
local epoch, least = tonumber(ARGV[1]), tonumber(held[1] or '0') + 1
if held[1] ~= ARGV[1] or held[2] ~= ARGV[2] then
  if epoch < least then
    local now = redis.call('TIME')
    return string.format('%.0f', math.max(least, now[1] * 1000 + math.floor(now[2] / 1000)))
  end
  redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'owner', ARGV[2], 'turn', '0')
  if not held[1] then
    redis.call('HSET', KEYS[1], 'mark', ARGV[3], 'records', '0', 'blocks', '0', 'ground', '0')
    redis.call('DEL', KEYS[2])
    redis.call('SET', KEYS[3], '') -- always there: a slot under way serves several keys only if all are
  end
end
for i = 1, #KEYS do
  redis.call('PEXPIRE', KEYS[i], ARGV[4])
end
return redis.call('HGETALL', KEYS[1])
