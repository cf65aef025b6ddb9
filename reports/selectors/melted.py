"""What was measured in one time, cut into steps: the figures of the melts, ready for the report."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from monitoring.domain.errors import kind_of
from monitoring.domain.melts import DURATION, ERRORS, OPERATIONS, melts, one_source, total
from monitoring.domain.severity import Severity
from monitoring.selectors.slotted import Slotted, by_slot, spreads
from reports.domain.comparison import Day
from reports.domain.periods import Period

UP, POOL, LAG = "up", "connection_pool", "replication_lag"
DISCREPANCIES, FAILURES = "discrepancies_found_total", "atomic_transaction_failures_total"
NAMES = (OPERATIONS, ERRORS, DURATION, UP, POOL, LAG, DISCREPANCIES, FAILURES)
Sums = Mapping[int, float]  # by unix second of the step
Steps = list[Day | None]


@dataclass
class Melted:
    """One time of one environment. `edges` are where its steps begin, and the end; unix seconds, ascending.

    `days` are the edges of its days: every one of them is an edge, too. `lengths` is how much of a day each step is.
    """

    lines: Mapping[str, Sequence[Slotted]]
    edges: Sequence[int]
    days: Sequence[int]
    lengths: Sequence[float]
    p95: Sequence[float | None] = field(default_factory=list)

    @cached_property
    def operations(self) -> Sums:
        return sums(melts(self.lines[OPERATIONS]))

    @cached_property
    def errors(self) -> dict[Severity, list[Slotted]]:
        """Each error once: of every severity the series of the flag that has the most."""
        by_flag: defaultdict[tuple[Severity, str], list[Slotted]] = defaultdict(list)
        for line in one_source(self.lines[ERRORS]):
            kind = kind_of(line.labels)
            by_flag[kind.severity, kind.feature].append(line)
        found: dict[Severity, list[Slotted]] = {}
        for (severity, _), lines in sorted(by_flag.items()):
            found[severity] = max(found.get(severity, []), lines, key=total)
        return found

    @property
    def flags(self) -> set[str]:
        return {line.labels["flag"] for line in one_source(self.lines[OPERATIONS]) if line.labels.get("flag")}

    def reported(self, name: str) -> bool:
        return any(line.rows for line in self.lines[name])

    def error_counts(self, *severities: Severity) -> Sums:
        """Errors of these severities; of all where none is named."""
        wanted = severities or tuple(Severity)
        return sums(line for severity in wanted for line in self.errors.get(severity, []))

    def share(self, part: Sums, of: Sums) -> Steps:
        return [Day(part.get(at, 0.0), of[at], of[at]) if of.get(at) else None for at in self.edges[:-1]]

    def mean(self, lines: Sequence[Slotted], *, scale: float = 1.0) -> Steps:
        """What was reported, by how often."""
        added, times = sums(lines), sums(lines, samples=True)
        return [Day(added[at] * scale, times[at], times[at]) if times.get(at) else None for at in self.edges[:-1]]

    def counted(self, counts: Sums) -> Steps:
        """Things that nctool counts while it melts: of a step without a melt nobody knows how many there were."""
        return [
            Day(counts.get(at, 0.0), of, counts.get(at, 0.0)) if at in self.operations else None
            for at, of in zip(self.edges, self.lengths, strict=False)
        ]

    def rate(self) -> Steps:
        """Melts a second."""
        return [
            Day(self.operations[at], end - at, self.operations[at]) if at in self.operations else None
            for at, end in zip(self.edges, self.edges[1:], strict=False)
        ]

    def of_flag(self, name: str, flag: str, *, on: bool) -> Sums:
        """What was counted for a flag; with `on` where it was on alone."""
        return sums(
            line
            for line in one_source(self.lines[name])
            if line.labels.get("flag") == flag and (not on or line.labels.get("variant") == "on")
        )

    def worst_up(self) -> list[Slotted]:
        """Of several health addresses the one that answered least."""
        lines = [line for line in self.lines[UP] if line.rows]
        return [min(lines, key=lambda line: total([line]) / sum(row.n for row in line.rows))] if lines else []

    def by_day(self, steps: Steps) -> Steps:
        """The steps of each day together."""
        found: list[list[Day]] = [[] for _ in self.days[1:]]
        for at, step in zip(self.edges, steps, strict=False):
            if step is not None:
                found[bisect_right(self.days, at) - 1].append(step)
        return [Day(*map(sum, zip(*some, strict=True))) if some else None for some in found]


def read(environment_id: int, period: Period, *, quarters: bool) -> Melted:
    """The period in days, or in quarters of days. Seven queries, however long it is."""
    edges, days = period.edges(quarters=quarters), period.edges()
    lines: dict[str, list[Slotted]] = {name: [] for name in NAMES}
    for line in by_slot(environment_id, NAMES, edges):
        lines[line.name].append(line)
    spread = spreads([line.series_id for line in melts(lines[DURATION])], days)
    return Melted(lines, edges, days, period.lengths(edges), [sketch.quantile(0.95) for sketch in spread])


def sums(lines: Iterable[Slotted], *, samples: bool = False) -> Counter[int]:
    found: Counter[int] = Counter()
    for line in lines:
        for row in line.rows:
            found[row.start] += row.n if samples else row.sum  # type: ignore[assignment]  # a sum need not be whole
    return found
