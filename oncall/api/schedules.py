"""Who is on call. Schedules are of the whole installation: a token of any environment sees them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import Field

from core.calendar import YEARS
from core.errors import Invalid
from flags.api.auth import BearerToken, KeyHeader, token_auth
from flags.api.calendar import QueryToken
from flags.api.times import Moment
from flags.services.tokens import Scope
from oncall import selectors
from oncall.selectors import shown

router = Router(tags=["on call"], auth=token_auth(Scope.OPERATE, Scope.REPORT))
LONGEST = timedelta(days=92)


class Next(Schema):
    people: list[str]
    from_: datetime = Field(alias="from")


class OnCallOut(Schema):
    """`people` is empty in a gap; `until` is null when nothing changes within five weeks."""

    schedule: str
    name: str
    zone: str
    people: list[str]
    until: datetime | None
    next: Next | None


class ShiftOut(Schema):
    """`source` names the layer; `override`, `feed`, or `gap`, in which nobody is on call."""

    starts_at: datetime
    ends_at: datetime
    people: list[str]
    source: str


class Span(Schema):
    since: Moment | None = Field(None, description="Left out: now.")
    until: Moment | None = Field(None, description="Left out: 14 days later; 92 at most.")


@router.get("/oncall", response=list[OnCallOut], by_alias=True, summary="Who is on call now, in each schedule")
def on_call(request: HttpRequest) -> list[dict[str, Any]]:
    now = timezone.now()
    return [shown.on_call(row, now=now) for row in selectors.schedules(now=now)]


@router.get("/oncall/{key}", response=OnCallOut, by_alias=True, summary="Who is on call now, in one schedule")
def schedule(request: HttpRequest, key: str) -> dict[str, Any]:
    now = timezone.now()
    return shown.on_call(selectors.schedule_of(key, now=now), now=now)


@router.get("/oncall/{key}/shifts", response=list[ShiftOut], summary="The shifts and gaps of a schedule")
def shifts(request: HttpRequest, key: str, wanted: Query[Span]) -> list[dict[str, Any]]:
    now = timezone.now()
    since = wanted.since or now
    if since.year not in YEARS:
        raise Invalid(f"`since` lies in the years {YEARS.start} to {YEARS.stop - 1}.", field="since")
    until = wanted.until or since + timedelta(days=14)
    if not timedelta() < until - since <= LONGEST:
        raise Invalid(f"`until` comes after `since`, by {LONGEST.days} days at most.", field="until")
    return shown.shifts(selectors.schedule_of(key, now=now), since, until)


@router.get(
    "/oncall/{key}/calendar.ics",
    auth=[QueryToken(), BearerToken([Scope.CALENDAR]), KeyHeader([Scope.CALENDAR])],
    summary="A schedule as an iCalendar file",
    openapi_extra={"responses": {200: {"description": "RFC 5545", "content": {"text/calendar": {}}}}},
)
def calendar(request: HttpRequest, key: str) -> HttpResponse:
    """The past month and the coming three, for the calendars that people look at anyway."""
    now = timezone.now()
    host = urlsplit(settings.PUBLIC_URL).hostname or "nctool-rollout"
    body = shown.as_icalendar(selectors.schedule_of(key, now=now), host=host, now=now)
    response = HttpResponse(body, content_type="text/calendar; charset=utf-8")
    response["Cache-Control"] = "private, no-cache"
    response["Content-Disposition"] = f'inline; filename="{key}.ics"'
    return response
