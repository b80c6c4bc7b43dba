-- Posts the file that BODY names, and prints what `compare` reads: microseconds, and counts.

local file = io.open(os.getenv("BODY"))
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = file:read("*a")
file:close()

function done(summary, latency, requests)
    local errors = summary.errors
    print(string.format(
        '{"requests":%d,"duration":%d,"p50":%d,"p99":%d,"failed":%d}',
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
        errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
