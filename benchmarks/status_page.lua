-- What wrk prints at the end, for benchmarks/status_page.py.
function done(summary, latency, requests)
  io.write(string.format("\nRESULT %d %d %d\n", summary.requests / summary.duration * 1e6,
    latency:percentile(99), summary.errors.status))
end
