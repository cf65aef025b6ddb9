"""Take figures from outside: one, or a file of them. A correction supersedes, and nothing is ever overwritten."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from core import environments, events
from core.actors import Actor
from core.errors import Conflict, DomainError, NotFound
from core.texts import check_text, need_reason
from kpis.domain import table
from kpis.domain.days import day_of
from kpis.domain.outside import Reported
from kpis.models import Kpi, OutsideFigure
from kpis.selectors.figures import zone_of
from kpis.selectors.registry import definition_of, get

if TYPE_CHECKING:
    from core.models import Environment

REPORTED, CORRECTED, WITHDRAWN = "kpi.figure_reported", "kpi.figure_corrected", "kpi.figure_withdrawn"
LONGEST_NOTE = 500


@dataclass(frozen=True, slots=True)
class Given:
    """A figure as it was given: not checked yet. The days are both included."""

    kpi: str
    start: date
    end: date
    current: float
    baseline: float | None = None
    note: str = ""


@transaction.atomic
def report(environment: str, given: Given, *, actor: Actor, now: datetime, correct: bool = False) -> OutsideFigure:
    """Take a figure; the same figure a second time is taken once.

    Args:
        correct: supersede the figure that holds for exactly this period, if there is one.

    Raises:
        NotFound: for an unknown environment or KPI.
        Invalid: with the field that is wrong.
        Conflict: when a figure for this period, or for a part of it, holds already.
    """
    place = environments.get(environment)
    kpi = _hold(given.kpi)
    reported = Reported.read(
        definition_of(kpi),
        start=given.start,
        end=given.end,
        current=given.current,
        baseline=given.baseline,
        note=check_text(given.note, field="note", longest=LONGEST_NOTE),
        today=day_of(now, zone_of(place)),
    )
    before = _holding(kpi, place, reported)
    if before is not None and _picture(before) == _told(reported):
        return before
    if before is not None and not correct:
        raise Conflict(
            f"For {before.start} to {before.end} there is a figure already ({before.current:g}, by "
            f"{before.reported_by}): correct that one."
        )
    return _take(kpi, place, reported, before, actor=actor, now=now)


@transaction.atomic
def report_file(
    environment: str, content: bytes, *, actor: Actor, now: datetime, correct: bool = False
) -> list[OutsideFigure]:
    """Take every figure of a CSV file, or none. Raises Invalid with each line that cannot be taken, and why."""
    taken: list[OutsideFigure] = []
    wrong: list[str] = []
    environments.get(environment)
    for line in table.read(content):
        given = Given(line.kpi, line.start, line.end, line.current, line.baseline, line.note)
        try:
            taken.append(report(environment, given, actor=actor, now=now, correct=correct))
        except DomainError as error:
            wrong.append(f"Line {line.number}: {error}")
    table.refuse(wrong)
    return taken


@transaction.atomic
def withdraw(number: int, *, reason: str, actor: Actor, now: datetime) -> OutsideFigure:
    """Let a figure hold no longer, with nothing in its place.

    Raises NotFound, Conflict when it was superseded already, Invalid without a reason.
    """
    found = OutsideFigure.objects.filter(pk=number).values_list("kpi__key", flat=True).first()
    if found is None:
        raise NotFound(f"There is no figure {number}.")
    reason = need_reason(reason, "Say why it holds no longer.")
    _hold(found)
    row = OutsideFigure.objects.select_related("kpi", "environment").get(pk=number)
    if row.superseded_at is not None:
        raise Conflict("This figure holds no longer: it was corrected or withdrawn.")
    _supersede(row, now=now)
    _record(WITHDRAWN, row, actor=actor, now=now, before=_picture(row), after={}, reason=reason)
    return row


def _hold(key: str) -> Kpi:
    """The locked KPI: figures of one KPI come one after the other."""
    return Kpi.objects.select_for_update().get(pk=get(key).pk)


def _holding(kpi: Kpi, place: Environment, reported: Reported) -> OutsideFigure | None:
    """The figure that holds for exactly this period. Raises Conflict for one that holds for a part of it."""
    rows = OutsideFigure.objects.filter(
        kpi=kpi, environment=place, superseded_at=None, start__lte=reported.end, end__gte=reported.start
    ).order_by("start")
    for row in rows:
        if (row.start, row.end) != (reported.start, reported.end):
            raise Conflict(
                f"{reported.start} to {reported.end} overlaps the figure for {row.start} to {row.end}, and a day would "
                "count twice. Withdraw that one first, or choose another period."
            )
        return row
    return None


def _take(
    kpi: Kpi, place: Environment, reported: Reported, before: OutsideFigure | None, *, actor: Actor, now: datetime
) -> OutsideFigure:
    if before is not None:
        _supersede(before, now=now)
    row = OutsideFigure.objects.create(
        kpi=kpi,
        environment=place,
        start=reported.start,
        end=reported.end,
        baseline=reported.baseline,
        current=reported.current,
        note=reported.note,
        reported_by=actor.name,
        reported_by_kind=actor.kind.value,
        reported_at=now,
        corrects=before,
    )
    kind = CORRECTED if before else REPORTED
    _record(kind, row, actor=actor, now=now, before=_picture(before) if before else {}, after=_told(reported))
    return row


def _supersede(row: OutsideFigure, *, now: datetime) -> None:
    row.superseded_at = now
    row.save(update_fields=["superseded_at"])


def _record(
    kind: str,
    row: OutsideFigure,
    *,
    actor: Actor,
    now: datetime,
    before: dict[str, Any],
    after: dict[str, Any],
    reason: str = "",
) -> None:
    events.record(
        kind,
        subject=f"kpi:{row.kpi.key}",
        actor=actor,
        now=now,
        environment_id=row.environment_id,
        reason=reason or row.note,
        before=before,
        after=after,
        data={"figure": row.pk},
    )


def _picture(row: OutsideFigure) -> dict[str, Any]:
    return _told(Reported(row.start, row.end, row.current, row.baseline, row.note))


def _told(reported: Reported) -> dict[str, Any]:
    return {
        "start": reported.start.isoformat(),
        "end": reported.end.isoformat(),
        "baseline": reported.baseline,
        "current": reported.current,
        "note": reported.note,
    }
