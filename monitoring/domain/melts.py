"""What nctool reports of its melts, and how to count each of them once.

Every melt reports a row set for each flag: the rows of one flag are all melts, and those of several flags must never
be added up. An error is told in the row of the flag whose path failed; one that no path is to blame for, in the rows
of every flag. So of errors, too, the flag that has the most tells.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

from monitoring.domain.metrics import preferred

OPERATIONS = "melt_operations_total"
ERRORS = "melt_errors_total"
DURATION = "melt_duration_ms"


class Step(Protocol):
    """A step of a series: unix seconds, how many samples, and what they add up to."""

    @property
    def start(self) -> int: ...
    @property
    def n(self) -> int: ...
    @property
    def sum(self) -> float: ...


class Line(Protocol):
    """A series of one source."""

    @property
    def source(self) -> str: ...
    @property
    def labels(self) -> Mapping[str, str]: ...
    @property
    def rows(self) -> Sequence[Step]: ...


Read = TypeVar("Read", bound=Line)


def one_source(lines: Iterable[Read]) -> list[Read]:
    """Those that have steps, of the one source that is read of those that report the metric: of two, one counts."""
    found = [line for line in lines if line.rows]
    sources = {line.source for line in found}
    return [line for line in found if line.source == preferred(sources)]


def melts(lines: Iterable[Read]) -> list[Read]:
    """Of the series of one metric those that hold every melt once: of the flag that has the most samples."""
    by_flag: defaultdict[str, list[Read]] = defaultdict(list)
    for line in one_source(lines):
        by_flag[line.labels.get("flag", "")].append(line)
    return max(by_flag.values(), key=total, default=[])


def total(lines: Iterable[Line]) -> float:
    """How many things the counters counted."""
    return sum(row.sum for line in lines for row in line.rows)
