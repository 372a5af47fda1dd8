-- A token bucket in Redis, in the form that is widely used: a hash of tokens and their moment, the
-- server's clock, an expiry after which it would be full. KEYS[1]; ARGV: limit, window_ms, burst, cost.
local limit, window_ms = tonumber(ARGV[1]), tonumber(ARGV[2])
local burst, cost = tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call("TIME")
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local state = redis.call("HMGET", KEYS[1], "tokens", "at")
local tokens, at = tonumber(state[1]) or burst, tonumber(state[2]) or now_ms
tokens = math.min(burst, tokens + math.max(0, now_ms - at) * limit / window_ms)
local allowed = 0
if tokens >= cost then
  tokens, allowed = tokens - cost, 1
end
redis.call("HSET", KEYS[1], "tokens", tokens, "at", now_ms)
redis.call("PEXPIRE", KEYS[1], math.ceil(burst * window_ms / limit))
return { allowed, math.floor(tokens) }
