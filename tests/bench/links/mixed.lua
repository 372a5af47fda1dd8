-- Redirects by Zipf's law and creations at the edge, RATIO to 1, for wrk; what is created is followed too.
-- Environment: LINKS, RATIO, KEY (a service key). The last line of the output is one of JSON.

local links = tonumber(os.getenv("LINKS"))
local ratio = tonumber(os.getenv("RATIO"))
local codes = {}
local sums = {}
local made = 0
local follow, create

function init()
  math.randomseed(7)
  local sum = 0
  for n = 1, links do
    sum = sum + 1 / n
    sums[n] = sum
  end
  local agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/141.0.0.0 Safari/537.36"
  follow = { wrk.format("GET", "/CODE", { Host = "127.0.0.1", ["User-Agent"] = agent }):match("^(.*)CODE(.*)$") }
  create = wrk.format("POST", "/api/v1/shorten", {
    Host = "127.0.0.1",
    ["Content-Type"] = "application/json",
    ["Authorization"] = "Bearer " .. os.getenv("KEY"),
  }, '{"long_url":"https://www.example.com/articles/2026/11/what-a-selvedge-is?utm_source=bench"}')
end

function request()
  if math.random() * (ratio + 1) < 1 then return create end
  local want = math.random() * sums[links]
  local low, high = 1, links
  while low < high do
    local middle = math.floor((low + high) / 2)
    if sums[middle] < want then low = middle + 1 else high = middle end
  end
  return follow[1] .. (codes[low] or string.format("z%06d", low - 1)) .. follow[2]
end

function response(status, _, body)
  if status ~= 201 then return end
  made = made + 1
  -- A new link takes the place of some other, popular or not.
  codes[math.random(links)] = body:match('"short_code":"([^"]+)"')
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '{"requests":%d,"us":%d,"errors":%d,"p50_us":%d,"p99_us":%d}\n',
    summary.requests, summary.duration, e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
