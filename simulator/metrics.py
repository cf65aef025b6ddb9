"""What the melts add up to between two reports."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from simulator.plan import ATOMIC, FLAGS, PREFLIGHT
from simulator.reconciliation import SEVERITIES

Labels = tuple[tuple[str, str], ...]
RECONCILED = (
    "operations_checked_total",
    "operations_blocked_total",
    "auto_corrections_total",
    "false_positives_total",
)


class Tally:
    """Counts from many threads; `take` empties it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, Labels]] = Counter()
        self._timings: list[tuple[str, float, Labels]] = []

    def count(self, metric: str, by: int = 1, **labels: str) -> None:
        with self._lock:
            self._counts[metric, tuple(sorted(labels.items()))] += by

    def time(self, metric: str, milliseconds: float, **labels: str) -> None:
        with self._lock:
            self._timings.append((metric, milliseconds, tuple(sorted(labels.items()))))

    def melt(self, on: Collection[str], *, milliseconds: float, errors: Mapping[str, str]) -> None:
        """One melt: a set of rows for each flag. `errors` is severity by the flag whose path failed."""
        for flag in FLAGS:
            variant = "on" if flag in on else "off"
            self.count("melt_operations_total", flag=flag, variant=variant)
            self.time("melt_duration_ms", milliseconds, flag=flag, variant=variant)
            if flag in errors:
                self.count("melt_errors_total", flag=flag, variant=variant, severity=errors[flag])

    def take(self, *, at: int, gauges: Mapping[str, float]) -> list[dict[str, Any]]:
        """All rows since the last call, as `POST /api/v1/metrics` wants them; `at` is unix seconds.

        `gauges` is what things stand at now. What never happens is told as 0: who counts nothing is alive, and who
        says nothing may not be.
        """
        self.count("atomic_transaction_failures_total", 0, flag=ATOMIC)
        self.count("migration_errors_total", 0)
        for flag in FLAGS:
            for variant in ("on", "off"):
                self.count("melt_operations_total", 0, flag=flag, variant=variant)
                self.count("melt_errors_total", 0, flag=flag, variant=variant, severity="CRITICAL")
        for name in RECONCILED:
            self.count(name, 0, flag=PREFLIGHT)
        for severity in SEVERITIES:
            self.count("discrepancies_found_total", 0, flag=PREFLIGHT, severity=severity)
        with self._lock:
            counts, self._counts = self._counts, Counter()
            timings, self._timings = self._timings, []
        rows: list[dict[str, Any]] = [
            {"name": name, "kind": "counter", "value": value, "labels": dict(labels), "at": at}
            for (name, labels), value in counts.items()
        ]
        rows += [
            {"name": name, "kind": "timing", "value": round(milliseconds, 3), "labels": dict(labels), "at": at}
            for name, milliseconds, labels in timings
        ]
        rows += [{"name": name, "kind": "gauge", "value": round(value, 3), "at": at} for name, value in gauges.items()]
        return rows
