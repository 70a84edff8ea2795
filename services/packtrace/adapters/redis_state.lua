#!lua name=packtrace

-- The state of one ops partition, as redis_state.py calls it; the layout is described there.
-- A function keeps understanding what older callers send, or gets a new name: services of two releases may share a server.
-- Epochs are compared as numbers; offsets and digests stay text, because a Lua number is a double.

local VERSION = 1

-- unpack() fails from about 8,000 values; even, so that no (field, value) pair is torn
local VALUES_MAX = 2000

-- most items hold nothing: one EXISTS of this many keys spares as many HGETALL
local EXISTS_KEYS = 32

local function version()
  return VERSION
end

-- keys: meta; args: partitions, layout. Answers OK and the whole meta, or REFUSED and what is stored.
local function acquire(keys, args)
  local stored = redis.call('HMGET', keys[1], 'partitions', 'layout')
  if stored[1] and (stored[1] ~= args[1] or stored[2] ~= args[2]) then
    return {'REFUSED', stored[1], stored[2] or ''}
  end
  if not stored[1] then
    redis.call('HSET', keys[1], 'partitions', args[1], 'layout', args[2], 'offset', '0', 'digest', '0')
  end
  redis.call('HINCRBY', keys[1], 'epoch', 1)
  return {'OK', redis.call('HGETALL', keys[1])}
end

-- keys: B buckets, then containers; args: B, then for each bucket its number of fields and the fields.
-- Answers the values of each bucket, in chunks, and for each container that holds something its number and content.
local function load(keys, args)
  local buckets = tonumber(args[1])
  local values, content = {}, {}
  local at = 2
  for k = 1, buckets do
    local last = at + tonumber(args[at])
    for i = at + 1, last, VALUES_MAX do
      values[#values + 1] = redis.call('HMGET', keys[k], unpack(args, i, math.min(i + VALUES_MAX - 1, last)))
    end
    at = last + 1
  end
  for first = buckets + 1, #keys, EXISTS_KEYS do
    local last = math.min(first + EXISTS_KEYS - 1, #keys)
    local left = redis.call('EXISTS', unpack(keys, first, last))
    local k = first
    while left > 0 and k <= last do
      local entries = redis.call('HGETALL', keys[k])
      if #entries > 0 then
        content[#content + 1] = k - buckets - 1
        content[#content + 1] = entries
        left = left - 1
      end
      k = k + 1
    end
  end
  return {values, content}
end

-- keys: meta, then one for each write; args: epoch, offset it must stand at, then for each write its command, number of
-- values and the values. Nothing is written before both are checked; the caller writes the new offset last.
local function commit(keys, args)
  local stored = redis.call('HMGET', keys[1], 'epoch', 'offset')
  if not stored[1] then
    return {'GAP', '0'}
  end
  if tonumber(stored[1]) > tonumber(args[1]) then
    return {'FENCED', stored[1]}
  end
  if stored[1] ~= args[1] or stored[2] ~= args[2] then
    return {'GAP', stored[2]}
  end
  local at = 3
  for k = 2, #keys do
    local command = args[at]
    local last = at + 1 + tonumber(args[at + 1])
    for i = at + 2, last, VALUES_MAX do
      redis.call(command, keys[k], unpack(args, i, math.min(i + VALUES_MAX - 1, last)))
    end
    at = last + 1
  end
  return {'OK'}
end

redis.register_function{function_name = 'pt_version', callback = version, flags = {'no-writes'}}
redis.register_function{function_name = 'pt_acquire', callback = acquire}
redis.register_function{function_name = 'pt_load', callback = load, flags = {'no-writes'}}
redis.register_function{function_name = 'pt_commit', callback = commit}
