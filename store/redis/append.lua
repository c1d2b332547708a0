-- Append to the journals of one shard and answer with what each held that the writer has not read.
-- KEYS[1] mark of the shard, KEYS[2..] journals
-- ARGV[1] expected mark, then for each journal: bytes the writer knows, bytes to append
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return redis.error_reply('LOST the mark of the shard is gone')
end
local held = {}
for i = 2, #KEYS do
  held[i] = redis.call('STRLEN', KEYS[i])
  if held[i] < tonumber(ARGV[2 * i - 2]) then
    return redis.error_reply('LOST a journal is shorter than it was')
  end
end
local unread = {}
for i = 2, #KEYS do
  local known = tonumber(ARGV[2 * i - 2])
  local data = ARGV[2 * i - 1]
  unread[i - 1] = held[i] > known and redis.call('GETRANGE', KEYS[i], known, -1) or ''
  if #data > 0 then
    redis.call('APPEND', KEYS[i], data)
  end
end
return unread
