"""Reads of the reports and of how they are made."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from core import environments
from core.errors import NotFound
from reports.domain.periods import Period
from reports.domain.setup import Setup
from reports.domain.states import Origin, RemarkKind, ReportState
from reports.models import Remark, Report, ReportSetup

if TYPE_CHECKING:
    from core.models import Environment

HEAVY = ("inputs", "document")
SIGNED = Q(remarks__kind=RemarkKind.SIGN_OFF.value)


def reports() -> QuerySet[Report]:
    """All of them, newest first, with environment and how many signed off; what they were made of is left out."""
    found = Report.objects.select_related("environment").defer(*HEAVY)
    return found.annotate(signed=Count("remarks", filter=SIGNED)).order_by("-end", "-pk")


def listed(environment: str, state: ReportState | None = None) -> QuerySet[Report]:
    """Those of an environment."""
    found = reports().filter(environment__key=environment)
    return found if state is None else found.filter(state=state.value)


def get(number: int, *, environment: str | None = None) -> Report:
    """One of them, whole, or NotFound; also when it is of another environment than the one that is asked for."""
    found = Report.objects.select_related("environment").filter(pk=number).first()
    if found is None or environment not in (None, found.environment.key):
        raise NotFound(f"There is no report {number}{f' of {environment}' if environment else ''}.")
    return found


def remarks(report: Report) -> QuerySet[Remark]:
    """What people said to it, oldest first."""
    return Remark.objects.filter(report=report)


def earlier(report: Report) -> QuerySet[Report]:
    """Reports of the same environment that it can be held against, newest first."""
    return reports().filter(environment_id=report.environment_id, start__lt=report.start)


def of_period(environment_id: int, period: Period) -> Report | None:
    found = Report.objects.filter(environment_id=environment_id, start=period.start, end=period.end)
    return found.select_related("environment").first()


def setup() -> Setup | None:
    """How weekly reports are made; None where no playbook says."""
    row = ReportSetup.objects.filter(key="weekly").first()
    return Setup.read(row.values) if row else None


def zone_of(environment: Environment, found: Setup | None) -> str:
    """In whose days its reports are cut: the setup's zone, else the environment's, else the installation's."""
    return (found.zone if found else "") or environment.zone or timezone.get_default_timezone_name()


def made_ahead(*, now: datetime) -> Report | None:
    """The oldest draft that a clock made which ran ahead, before its week was over, and which is over now."""
    drafts = Report.objects.filter(state=ReportState.DRAFT.value, origin=Origin.WEEKLY.value)
    return drafts.filter(end__lte=now, made_at__gt=now).order_by("end").first()


def due(*, now: datetime) -> list[tuple[Environment, Period]]:
    """The weeks that have no report yet although it was due, oldest first."""
    row = ReportSetup.objects.filter(key="weekly").first()
    if row is None:
        return []
    found = Setup.read(row.values)
    wanted = []
    for environment in environments.ordered().filter(key__in=found.environments):
        schedule = found.schedule(zone_of(environment, found))
        wanted += [(environment, week) for week in schedule.due(since=row.since, now=now, most=found.catch_up + 1)]
    return sorted(
        ((environment, week) for environment, week in wanted if of_period(environment.pk, week) is None),
        key=lambda each: (each[1].end, each[0].position),
    )
