-- Requests for wrk: redirects over many links, in turn or by Zipf's law (s = 1), at a pace or without.
-- They come from 16,000 addresses, each far from its limit, as readers do.
-- Environment: LINKS, ZIPF (0 or 1), THINK_MS (the longest pause before a request; 0 = none).
-- The last line of the output is one of JSON.

local links = tonumber(os.getenv("LINKS"))
local zipf = os.getenv("ZIPF") == "1"
local think_ms = tonumber(os.getenv("THINK_MS") or "0")
local sums = {}
local at = 0
local before, between, after
local ADDRESSES = 16000
local nobody = 0

local function drawn()
  if not zipf then
    at = (at + 1) % links
    return at
  end
  local want = math.random() * sums[links]
  local low, high = 1, links
  while low < high do
    local middle = math.floor((low + high) / 2)
    if sums[middle] < want then low = middle + 1 else high = middle end
  end
  return low - 1
end

function init()
  math.randomseed(tonumber(os.getenv("SEED") or "1"))
  local sum = 0
  for n = 1, zipf and links or 0 do
    sum = sum + 1 / n
    sums[n] = sum
  end
  local whole = wrk.format("GET", "/CODE", {
    ["Host"] = "127.0.0.1",
    ["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
    ["Referer"] = "https://news.example/item/1",
    ["Accept-Language"] = "ja,en;q=0.8",
    ["CF-Connecting-IP"] = "ADDRESS",
    ["MF-CF-Blob"] = '{"country":"JP","colo":"NRT","regionCode":"13","clientAcceptEncoding":""}',
  })
  before, between, after = whole:match("^(.*)CODE(.*)ADDRESS(.*)$")
end

function request()
  nobody = (nobody + 1) % ADDRESSES
  local address = string.format("198.18.%d.%d", math.floor(nobody / 250), nobody % 250)
  return before .. string.format("z%06d", drawn()) .. between .. address .. after
end

if think_ms > 0 then
  function delay() return math.random(0, think_ms) end
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '{"requests":%d,"us":%d,"errors":%d,"p50_us":%d,"p90_us":%d,"p99_us":%d,"p999_us":%d,"max_us":%d}\n',
    summary.requests, summary.duration, e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50), latency:percentile(90), latency:percentile(99), latency:percentile(99.9), latency.max))
end
