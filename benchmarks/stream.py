"""From the call of a change to the message at every stream client: `python -m benchmarks.stream [clients] [runs]`.

The whole system as `manage.py up` runs it, on one machine: SQLite, Redis, two web processes, one stream. All clients
stand in this one process, so what they take to read counts, too.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import resource
import sys
import time

from benchmarks.installation import Installation, free_port, installation
from benchmarks.table import percentile, show

CLIENTS = (100, 1_000)
RUNS = 20
KEY = "atomicMeltOperations"
PAUSE = 0.3  # seconds between two changes


class Client:
    """One open line; `heard` are the moments at which each version came."""

    def __init__(self) -> None:
        self.heard: dict[int, float] = {}

    async def listen(self, port: int, token: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET /stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        while line := await reader.readline():
            if line.startswith(b"id: "):
                self.heard[int(line[4:])] = time.monotonic()


def change(at: Installation, token: str, number: int) -> tuple[float, float]:
    """Switch the flag on or off by REST; when that was asked, and when it was answered."""
    action, body = ("enable", {"reason": "b"}) if number % 2 else ("emergency-disable", {"reason": "b"})
    connection = http.client.HTTPConnection("127.0.0.1", at.port)
    began = time.monotonic()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection.request("POST", f"/api/v1/flags/{KEY}/{action}", json.dumps(body), headers)
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    return began, time.monotonic()


async def measure(at: Installation, port: int, clients: int, runs: int) -> tuple[list[float], list[float]]:
    """Seconds to each client for each change, from the call and from its answer."""
    reader, writer = at.token("reader", "evaluate"), at.token("writer", "operate")
    lines = [Client() for _ in range(clients)]
    tasks = [asyncio.create_task(line.listen(port, reader)) for line in lines]
    while not all(line.heard for line in lines):
        await asyncio.sleep(0.05)
    called, answered = [], []
    for number in range(-8, runs):  # the first ones warm both web processes up
        before = max(lines[0].heard)
        began, ended = await asyncio.to_thread(change, at, writer, number)
        while not all(max(line.heard) > before for line in lines):
            await asyncio.sleep(0.005)
        moments = [min(moment for version, moment in line.heard.items() if version > before) for line in lines]
        if number >= 0:
            called += [moment - began for moment in moments]
            answered += [max(0.0, moment - ended) for moment in moments]
        await asyncio.sleep(PAUSE)
    for task in tasks:
        task.cancel()
    return called, answered


def main(counts: tuple[int, ...], runs: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, max(counts) + 200), hard), hard))
    rows = []
    port = free_port()
    with installation() as at, at.process(sys.executable, "manage.py", "up", STREAM_PORT=str(port), SIMULATOR="off"):
        at.wait_until_ready()
        _until_alive(port)
        for clients in counts:
            called, answered = asyncio.run(measure(at, port, clients, runs))
            told = [f"{1000 * percentile(values, share):.0f} ms" for values in (called, answered) for share in (50, 99)]
            rows.append((f"{clients:,} streams, {runs} changes", *told, f"{1000 * max(called):.0f} ms"))
    show(
        "A change reaches the stream's clients",
        ("", "from the call: p50", "p99", "from its answer: p50", "p99", "slowest of all from the call"),
        rows,
    )


def _until_alive(port: int) -> None:
    for _ in range(600):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
            connection.request("GET", "/healthz")
            connection.getresponse()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the stream did not start")


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:]]
    main(tuple(numbers[:1]) or CLIENTS, numbers[1] if len(numbers) > 1 else RUNS)
