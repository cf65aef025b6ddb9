"""Two reports held against each other, by what each of them stored."""

from __future__ import annotations

from dataclasses import dataclass

from reports.domain.measures import Measured, Section
from reports.domain.sentences import Direction, amount, trend
from reports.models import Report


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure in both. `sentence` says how the first differs from the second, and how sure that is."""

    section: Section
    name: str
    label: str
    one: str
    other: str
    direction: Direction
    sentence: str


def compared(report: Report, other: Report) -> list[Compared]:
    """Every figure that either of them has, by section."""
    ours, theirs = (_measured(each) for each in (report, other))
    found = [_compared(ours.get(name), theirs.get(name), other) for name in {**ours, **theirs}]
    return sorted(found, key=lambda each: list(Section).index(each.section))


def _measured(report: Report) -> dict[str, Measured]:
    read = [Measured.read(stored) for stored in report.inputs["measures"]]
    return {one.name: one for one in read}


def _compared(ours: Measured | None, theirs: Measured | None, other: Report) -> Compared:
    known = ours or theirs
    assert known is not None  # noqa: S101  # a name comes from one of the two
    found = trend(ours or Measured(known.measure, known.of), theirs.now if theirs else (), other.title)
    values = (each.over(each.now) if each else None for each in (ours, theirs))
    one, two = (amount(value.value, known.measure.suffix) if value else "not measured" for value in values)
    return Compared(known.measure.section, known.name, known.label, one, two, found.direction, found.sentence)
