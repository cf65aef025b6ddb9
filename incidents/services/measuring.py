"""What is measured in an environment now, as the levels of an incident look at it. Reads only, ten queries at most."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import monitoring.selectors
from incidents.domain import looks
from incidents.domain.levels import Measured
from incidents.domain.looks import Seen, Sums
from monitoring.domain.complaints import WINDOW
from monitoring.domain.metrics import BUCKET_SECONDS
from monitoring.domain.selection import Selection, chosen_sources
from monitoring.domain.windows import horizon
from monitoring.selectors import complaints

if TYPE_CHECKING:
    from monitoring.models import Series

OPERATIONS, ERRORS, TIMES, UP = "melt_operations_total", "melt_errors_total", "melt_duration_ms", "up"
NAMES = (OPERATIONS, ERRORS, TIMES, UP)


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found; None where nobody knows. `complaints` are users within ten minutes."""

    rate: Seen | None
    time: Seen | None
    complaints: int | None
    unavailable: bool | None

    @property
    def measured(self) -> Measured:
        """The part of it that is sure."""
        return Measured(
            error_rate=self.rate.at_least if self.rate else None,
            response_time=self.time.at_least if self.time else None,
            complaints=self.complaints,
            unavailable=self.unavailable,
        )

    @property
    def words(self) -> str:
        """The numbers as people read them; empty where there are none."""
        rate, time = self.rate, self.time
        told = [
            f"{rate.value:.1f} % of {rate.samples:,} melts failed in {rate.seconds} s" if rate else "",
            f"they took {time.value:,.0f} ms in the mean" if time else "",
        ]
        return ", ".join(text for text in told if text)

    def as_dict(self) -> dict[str, Any]:
        return {
            "error_rate": self.rate.as_dict() if self.rate else None,
            "response_time": self.time.as_dict() if self.time else None,
            "complaints": self.complaints,
            "unavailable": self.unavailable,
        }


def look(environment_id: int, environment: str, *, now: datetime) -> Looked:
    """Look at the last five minutes up to `now`. A melt is counted once for each flag: the worst flag tells."""
    until = horizon(now.timestamp())
    rows = list(monitoring.selectors.series(environment).filter(name__in=NAMES))
    lines = monitoring.selectors.lines(
        [row.pk for row in rows], start=until - looks.REACH, end=until, step=BUCKET_SECONDS
    )
    sums = {pk: {at: (float(each.samples), each.total) for at, each in line.items()} for pk, line in lines.items()}
    used = [row for row in rows if row.source in _sources(rows, row.name)]
    rates = [
        looks.rate(_line(used, sums, OPERATIONS, flag), _line(used, sums, ERRORS, flag), until=until)
        for flag in _flags(used, OPERATIONS)
    ]
    times = [looks.timing(_line(used, sums, TIMES, flag), until=until) for flag in _flags(used, TIMES)]
    start = until - WINDOW.total_seconds()
    return Looked(
        rate=_worst(rates),
        time=_worst(times),
        complaints=complaints.distinct(environment_id, start, now.timestamp()),
        unavailable=looks.silent(_line([row for row in rows if row.name == UP], sums, UP, None), until=until),
    )


def _worst(found: Iterable[Seen | None]) -> Seen | None:
    return max((seen for seen in found if seen is not None), key=lambda seen: seen.at_least, default=None)


def _sources(rows: Sequence[Series], name: str) -> set[str]:
    """From where a metric is read: one source for both sides of a rate. Probes tell together."""
    if name == UP:
        return {row.source for row in rows if row.name == UP}
    wanted = [OPERATIONS, ERRORS] if name in (OPERATIONS, ERRORS) else [name]
    having: dict[str, set[str]] = {}
    for row in rows:
        having.setdefault(row.name, set()).add(row.source)
    return {chosen_sources([Selection(each) for each in wanted], having)[name]}


def _flags(rows: Sequence[Series], name: str) -> list[str]:
    return sorted({row.labels.get("flag", "") for row in rows if row.name == name})


def _line(rows: Sequence[Series], sums: Mapping[int, Sums], name: str, flag: str | None) -> Sums:
    """All series of a metric and flag, added up; None: of any flag."""
    added: dict[int, tuple[float, float]] = {}
    for row in rows:
        if row.name != name or (flag is not None and row.labels.get("flag", "") != flag):
            continue
        for at, (n, total) in sums.get(row.pk, {}).items():
            before = added.get(at, (0.0, 0.0))
            added[at] = before[0] + n, before[1] + total
    return added
