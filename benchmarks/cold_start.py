"""Seconds from `manage.py up` to ready, and from SIGTERM to gone: `python -m benchmarks.cold_start`."""

from __future__ import annotations

import statistics
import time

from benchmarks.installation import installation
from benchmarks.table import show

ROUNDS = 5


def main() -> None:
    starts, stops = [], []
    with installation() as at:
        for _ in range(ROUNDS):
            with at.up(simulator=True) as took:
                starts.append(took)
                time.sleep(2)
                began = time.monotonic()
            stops.append(time.monotonic() - began)
    rows = [
        (name, f"{statistics.median(times):.1f} s", f"{max(times):.1f} s")
        for name, times in (("`manage.py up` to ready", starts), ("SIGTERM to all gone", stops))
    ]
    show(f"Start and stop, everything embedded, with the simulator ({ROUNDS} times)", ("what", "median", "worst"), rows)


if __name__ == "__main__":
    main()
