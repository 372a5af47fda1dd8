-- Creations for wrk, from the table in the file REQUESTS, in turn; the last line of the output is JSON.

local all = dofile(os.getenv("REQUESTS"))
local at = 0

function request()
  at = at % #all + 1
  return all[at]
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '{"requests":%d,"us":%d,"errors":%d,"p50_us":%d,"p99_us":%d}\n',
    summary.requests, summary.duration, e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
