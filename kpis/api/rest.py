"""KPIs over `/api/v1/kpis`: how they stand in the environment of the token, how they went, and figures from outside."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Router, Schema, Status
from pydantic import Field

from core import environments
from flags.api.auth import caller, token_auth
from flags.api.bodies import Body
from flags.api.paging import Page, cut
from flags.services.tokens import Scope
from kpis import selectors
from kpis.selectors import outside, shown
from kpis.selectors.figures import MOST_DAYS, drawn, standing
from kpis.selectors.registry import definition_of
from kpis.services import reporting
from kpis.services.reporting import Given

router = Router(tags=["KPIs"], auth=token_auth(Scope.OPERATE))


class PointOut(Schema):
    """`value` is null where there is none, and `why` says why. `low` to `high`: where it lies, 95 times of 100."""

    status: str = Field(description="met, missed, too_few (not judged) or no_data (never met).")
    value: float | None
    low: float | None
    high: float | None
    n: int
    why: str


class KpiOut(PointOut):
    """A KPI over its window, which ends with today. `trend`: against as many days before."""

    key: str
    name: str
    group: str
    owner: str
    target: str
    unit: str
    better: str
    counted: str
    sure: bool
    start: datetime
    end: datetime
    measured_at: datetime | None
    trend: str
    trend_sentence: str


class KpiWhole(KpiOut):
    meaning: str
    formula: str
    source: str
    window_days: int
    min_samples: int
    from_outside: bool


class DayOut(PointOut):
    day: date


class Days(Schema):
    days: int = Field(28, ge=1, le=MOST_DAYS)


class FigureIn(Body):
    """`start` and `end` are days, both counted. A KPI that is a reduction needs the `baseline`."""

    start: date = Field(examples=["2025-08-01"])
    end: date = Field(examples=["2025-08-31"])
    current: float = Field(examples=[90])
    baseline: float | None = Field(None, examples=[120])
    note: str = ""
    correct: bool = Field(False, description="Take the place of the figure for exactly this period.")


class FigureOut(Schema):
    number: int
    kpi: str
    start: date
    end: date
    baseline: float | None
    current: float
    note: str
    reported_by: str
    reported_at: datetime
    superseded_at: datetime | None


@router.get("/kpis", response=list[KpiOut], summary="Every KPI as it stands now, in the order of the board")
def listed(request: HttpRequest) -> list[dict[str, Any]]:
    where = environments.get(caller(request).environment)
    return [shown.brief(figure) for figure, _ in drawn(where, now=timezone.now())]


@router.get("/kpis/{key}", response=KpiWhole, summary="One KPI, with how it is computed")
def one(request: HttpRequest, key: str) -> dict[str, Any]:
    where, definition = environments.get(caller(request).environment), definition_of(selectors.get(key))
    return {**shown.brief(standing(where, definition, now=timezone.now())), **shown.defined(definition)}


@router.get("/kpis/{key}/history", response=list[DayOut], summary="How it stood at the end of each of the last days")
def history(request: HttpRequest, key: str, wanted: Query[Days]) -> list[dict[str, Any]]:
    where, definition = environments.get(caller(request).environment), definition_of(selectors.get(key))
    line = selectors.history(where, definition, days=wanted.days, now=timezone.now())
    return [{"day": day, **shown.point(figure)} for day, figure in line]


@router.get("/kpis/{key}/figures", response=list[FigureOut], summary="What was reported from outside, newest first")
def figures(request: HttpRequest, response: HttpResponse, key: str, wanted: Query[Page]) -> list[dict[str, Any]]:
    where = environments.get(caller(request).environment)
    found = outside.reported(where.pk, selectors.get(key).key)
    return [shown.reported(row) for row in cut(request, response, found, wanted)]


@router.post("/kpis/{key}/figures", response={201: FigureOut}, summary="Report a figure from outside, or correct one")
def report(request: HttpRequest, key: str, body: FigureIn) -> Status[dict[str, Any]]:
    given = Given(key, body.start, body.end, body.current, body.baseline, body.note)
    row = reporting.report(
        caller(request).environment, given, correct=body.correct, actor=caller(request).actor, now=timezone.now()
    )
    return Status(201, shown.reported(row))
