"""Requests per second of the OFREP door under wrk: `python -m benchmarks.ofrep`. Needs `wrk`.

Bulk evaluation of 20 flags for random npubs, single evaluation, and a bulk answer the client already has (304);
beside a bare WSGI callable under the same server that answers a fixed body of the same size.
"""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.installation import Installation, granian, installation
from benchmarks.table import show

FLAGS = 20
SECONDS = 3
ROUNDS = 3
UNITS = 10_000
CONNECTIONS = (16, 64)
_WRK = """
local units = {units}
local n = 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer {token}"
{extra}
function request()
  n = n + 1
  local body = string.format('{{"context":{{"targetingKey":"npub1%058d"}}}}', {unit})
  return wrk.format(nil, "{path}", nil, body)
end
function done(summary, latency, requests)
  io.write(string.format("\\nRESULT %d %d %d\\n", summary.requests / summary.duration * 1e6,
    latency:percentile(99), summary.errors.status))
end
"""


@dataclass(frozen=True, slots=True)
class Case:
    """One row: where it asks, and what else it sends. `same` asks for one npub all the time."""

    name: str
    module: str
    path: str
    same: bool = False
    etag: str = ""


@contextmanager
def serving(at: Installation, module: str, body_bytes: int) -> Iterator[None]:
    with at.process(*granian(at.port, module), BARE_BODY_BYTES=str(body_bytes)):
        at.wait_until_ready(path="/healthz")
        yield


def wrk(at: Installation, case: Case, token: str, connections: int) -> tuple[int, int]:
    """Requests per second, and the 99th percentile in microseconds. Refused requests stop the benchmark."""
    extra = f"wrk.headers[\"If-None-Match\"] = '{case.etag}'" if case.etag else ""
    unit = "1" if case.same else "math.random(units)"
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(_WRK.format(units=UNITS, token=token, extra=extra, unit=unit, path=case.path))
        script.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "-s", script.name, at.url]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"RESULT (\d+) (\d+) (\d+)", printed)
    if found is None or int(found[3]):
        raise RuntimeError(f"{case.name}: {printed}")
    return int(found[1]), int(found[2])


def ask(at: Installation, token: str) -> tuple[int, str]:
    """The size of a bulk answer, and its ETag."""
    request = urllib.request.Request(
        f"{at.url}/ofrep/v1/evaluate/flags",
        data=json.dumps({"context": {"targetingKey": f"npub1{1:058d}"}}).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        return len(answer.read()), answer.headers["ETag"]


def make_flags(at: Installation) -> None:
    """Fill up the flags of the playbook to twenty, at 5 to 100 percent in production."""
    script = Path(__file__).with_name("make_flags.py")
    subprocess.run([sys.executable, str(script), str(FLAGS)], env=at.environment, check=True)


def main() -> None:
    with installation() as at:
        make_flags(at)
        token = at.token("wrk", "evaluate")
        ours = "nctool_rollout.wsgi:application"
        with serving(at, ours, 0):
            size, etag = ask(at, token)
        bulk = "/ofrep/v1/evaluate/flags"
        cases = [
            Case("bare WSGI callable, same size", "benchmarks.bare:application", bulk),
            Case(f"OFREP bulk of {FLAGS} flags", ours, bulk),
            Case("OFREP bulk, unchanged (304)", ours, bulk, same=True, etag=etag),
            Case("OFREP single", ours, f"{bulk}/benchmark1"),
        ]
        found: dict[tuple[str, int], list[tuple[int, int]]] = {}
        for _ in range(ROUNDS):
            for case in cases:
                with serving(at, case.module, size):
                    wrk(at, case, token, CONNECTIONS[0])
                    for connections in CONNECTIONS:
                        found.setdefault((case.name, connections), []).append(wrk(at, case, token, connections))
    rates = {key: statistics.median(rate for rate, _ in runs) for key, runs in found.items()}
    late = {key: statistics.median(p99 for _, p99 in runs) for key, runs in found.items()}
    rows = [(case.name, *(_cell(rates, late, case.name, n) for n in CONNECTIONS)) for case in cases]
    show(
        f"OFREP over HTTP, 2 processes, answers of {size} bytes (median of {ROUNDS} runs of {SECONDS} s)",
        ("what", *(f"{n} connections: req/s (p99)" for n in CONNECTIONS)),
        rows,
    )
    ratio = rates[cases[1].name, CONNECTIONS[-1]] / rates[cases[0].name, CONNECTIONS[-1]]
    print(f"\nBulk to bare at {CONNECTIONS[-1]} connections: {ratio:.2f}")


def _cell(rates: dict[tuple[str, int], float], late: dict[tuple[str, int], float], name: str, connections: int) -> str:
    return f"{rates[name, connections]:,.0f} ({late[name, connections] / 1000:.1f} ms)"


if __name__ == "__main__":
    main()
