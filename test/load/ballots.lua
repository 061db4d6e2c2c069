-- One ballot a request, each of another voter: the Idempotency-Key is the voter. The first argument makes runs differ.
local counter = 0
local run, path

function init(arguments)
  run = arguments[1]
  path = arguments[2]
  wrk.method = "POST"
  wrk.headers["content-type"] = "application/json"
end

function request()
  counter = counter + 1
  wrk.headers["idempotency-key"] = string.format("bench-%s-%012d", run, counter)
  return wrk.format(nil, path, nil, '{"answers":[{"question":1,"options":[' .. (counter % 2 + 1) .. ']}]}')
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d\n", summary.requests, summary.duration, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout, summary.bytes))
end
