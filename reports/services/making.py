"""Reports are made: read, built, and stored in one transaction, once for each environment and time."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from core import environments
from core.actors import CLOCK, Actor
from core.errors import Conflict
from reports.domain.document import build, digest
from reports.domain.periods import Period
from reports.domain.rules import Urgency
from reports.domain.setup import Release, Setup
from reports.domain.states import Origin, ReportState
from reports.models import Report
from reports.selectors import reports
from reports.selectors.inputs import gather
from reports.services import releasing

if TYPE_CHECKING:
    from core.models import Environment

log = logging.getLogger(__name__)


def make_due(*, now: datetime) -> Report | None:
    """Make the oldest report that is due and not there, else what `_make_up` does; None when there is nothing to make.

    One at a time: a worker that is killed has lost one at most, and the next look makes it. Whether a week has its
    report is told by the rows, never by the clock: it may jump, or stand still for a month. One that cannot be made is
    logged, holds up no other, and is tried again at the next look.
    """
    found = reports.setup() or Setup()
    release = found.release is Release.AT_ONCE
    for environment, period in reports.due(now=now):
        try:
            return _make(environment, period, found, Origin.WEEKLY, release=release, actor=CLOCK, now=now)
        except Exception:
            log.exception("the report of %s in %s cannot be made", period.words(), environment.key)
    return _make_up(now=now)


def _make_up(*, now: datetime) -> Report | None:
    """Make the oldest draft again that a clock which ran ahead made of a week that was not over."""
    early = reports.made_ahead(now=now)
    if early is None:
        return None
    row = make_again(early.pk, version=early.version, actor=CLOCK, now=now)
    if row.made_at > now:  # nothing was different
        row.made_at = now
        row.save(update_fields=["made_at"])
    return row


def make(environment: str, period: Period, *, actor: Actor, now: datetime) -> Report:
    """Make the report of a time by hand, as a draft. Where there is one already, that one.

    Raises NotFound for an unknown environment.
    """
    where, found = environments.get(environment), reports.setup() or Setup()
    known = reports.of_period(where.pk, period)
    return known or _make(where, period, found, Origin.BY_HAND, release=False, actor=actor, now=now)


def make_again(number: int, *, version: int | None = None, actor: Actor, now: datetime) -> Report:
    """Make a draft anew of what is known now. Raises Conflict for one that was released: it stays what people read."""
    row = reports.get(number)
    found = reports.setup() or Setup()
    inputs = gather(row.environment, Period(row.start, row.end, row.zone), found.baseline_weeks, _rules(found))
    with transaction.atomic():
        row = releasing.hold(number, version=version)
        if row.state != ReportState.DRAFT:
            raise Conflict(f"{row.title} was released: it stays what people have read. Make one of another time.")
        before = {"digest": row.digest, "headline": row.headline}
        if digest(inputs) == row.digest:
            return row
        for name, value in _made(inputs).items():
            setattr(row, name, value)
        row.version, row.made_at, row.made_by = row.version + 1, now, actor.name
        row.save()
        releasing.tell(row, "report.made_again", before=before, actor=actor, now=now)
    return row


def _make(
    environment: Environment,
    period: Period,
    setup: Setup,
    origin: Origin,
    *,
    release: bool,
    actor: Actor,
    now: datetime,
) -> Report:
    """Read and build outside of any transaction; of two who are at the same report one stores it."""
    made = _made(gather(environment, period, setup.baseline_weeks, _rules(setup)))
    when = {"start": period.start, "end": period.end}
    more = {**made, "zone": period.zone, "origin": origin.value, "made_at": now, "made_by": actor.name}
    with transaction.atomic():
        row, fresh = Report.objects.get_or_create(environment=environment, **when, defaults=more)
        if fresh:
            releasing.tell(row, "report.made", actor=actor, now=now)
            if release:
                releasing.release(row.pk, actor=actor, reason="The playbook releases it at once.", now=now)
                row.refresh_from_db()
    return row


def _made(inputs: dict[str, Any]) -> dict[str, Any]:
    document = build(inputs)
    return {
        "inputs": inputs,
        "digest": digest(inputs),
        "document": document,
        "title": document["period"]["words"],
        "headline": document["headline"][:500],
        "urgent": sum(each["urgency"] == Urgency.NOW for each in document["recommendations"]),
    }


def _rules(setup: Setup) -> list[dict[str, Any]]:
    return [rule.as_dict() for rule in setup.recommendations]
