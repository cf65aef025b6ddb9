"""Reports over `/api/v1/reports`: a token makes and reads those of its environment. People release them."""

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
from reports.domain.periods import by_hand
from reports.domain.states import Origin, ReportState
from reports.selectors import reports
from reports.selectors.shown import brief, shown
from reports.services import making

router = Router(tags=["reports"], auth=token_auth(Scope.OPERATE))


class Make(Body):
    """The first and the last day, both with it; in the days of the zone that weekly reports are made in."""

    first: date = Field(alias="from", examples=["2025-08-04"])
    last: date = Field(alias="to", examples=["2025-08-10"])


class ReportBrief(Schema):
    """`urgent`: how many things have to be done now. `digest`: SHA-256 of everything that it was made of."""

    number: int
    environment: str
    title: str
    start: datetime
    end: datetime
    zone: str
    headline: str
    urgent: int
    origin: Origin
    state: ReportState
    made_at: datetime
    made_by: str
    released_at: datetime | None
    released_by: str
    digest: str


class ReportOut(ReportBrief):
    """`report` has period, metrics, analysis, recommendations, nextActions and more: docs/reports.md."""

    report: dict[str, Any]


class Filter(Page):
    state: ReportState | None = None


@router.get("/reports", response=list[ReportBrief], summary="Reports of the environment, newest first")
def listed(request: HttpRequest, response: HttpResponse, wanted: Query[Filter]) -> list[dict[str, Any]]:
    found = reports.listed(caller(request).environment, wanted.state)
    return [brief(row) for row in cut(request, response, found, wanted)]


@router.post("/reports", response={200: ReportOut}, summary="Make the report of a time, or get the one there is")
def make(request: HttpRequest, body: Make) -> Status[dict[str, Any]]:
    now, environment = timezone.now(), caller(request).environment
    zone = reports.zone_of(environments.get(environment), reports.setup())
    period = by_hand(body.first, body.last, zone=zone, now=now)
    return Status(200, shown(making.make(environment, period, actor=caller(request).actor, now=now)))


@router.get("/reports/{number}", response=ReportOut, summary="One report, whole")
def one(request: HttpRequest, number: int) -> dict[str, Any]:
    return shown(reports.get(number, environment=caller(request).environment))
