"""How long a request takes beside the SDKs of others: `python -m benchmarks.evaluation_peers`.

The same percentage flags in each, decided in the process without a server;
1, 2 and 100 of them per request, for a new npub.
They need packages that the product does not: make a virtual environment with requirements.txt and
benchmarks/requirements-peers.txt, and run it there. Who cannot be run is told and left out.
CPU time of one thread; the contestants take turns, each in its own process; the median of the rounds.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks.table import show

COUNTS = (1, 2, 100)
ROUNDS = 9
NAMES = (
    *("ours, js31", "ours, murmur3", "ours, client library", "Eppo", "Statsig", "GrowthBook", "LaunchDarkly"),
    *("Flagsmith", "Unleash", "PostHog", "django-waffle", "django-flags"),
)
NOTES = {
    "Eppo": "written in Rust",
    "ours, js31": "100 flags at once: decide_all",
    "ours, murmur3": "100 flags at once: decide_all",
    "django-waffle": "draws lots, keeps nothing but a cookie; its cache is in memory",
    "django-flags": "has no percentages: by a condition of ours",
}


class Contestant:
    """A process that measures itself when asked."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.times: dict[int, list[float]] = {count: [] for count in COUNTS}
        script = Path(__file__).with_name("peers.py")
        quiet = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
        self._process = subprocess.Popen([sys.executable, str(script), name], **quiet)
        self.state = self._line()

    @property
    def title(self) -> str:
        return f"{self.name} {self.state.removeprefix('ready ').strip('-')}".strip()

    def measure(self, count: int) -> None:
        print(count, file=self._process.stdin, flush=True)
        self.times[count].append(float(self._line()))

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def _line(self) -> str:
        return (self._process.stdout.readline() if self._process.stdout else "").strip() or "skip it ended"


def main() -> None:
    contestants = [Contestant(name) for name in NAMES]
    try:
        running = [one for one in contestants if one.state.startswith("ready ")]
        for _ in range(ROUNDS):
            for one in running:
                for count in COUNTS:
                    one.measure(count)
    finally:
        for one in contestants:
            one.stop()
    rows = [
        (
            f"{one.name} {one.state.removeprefix('ready ').strip('-')}".strip(),
            *map(_cell, one.times.values()),
            NOTES.get(one.name, ""),
        )
        for one in running
    ]
    head = ("what", *(f"{count} flag{'s' * (count > 1)}" for count in COUNTS), "")
    show("One request with a new npub, decided in the process", head, rows)
    for one in contestants:
        if one not in running:
            print(f"\nNot measured: {one.name}: {one.state.removeprefix('skip ')}")


def _cell(times: list[float]) -> str:
    return f"{statistics.median(times) / 1000:,.2f} µs"


if __name__ == "__main__":
    main()
