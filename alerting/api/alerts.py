"""Alerts over `/api/v1`: read them and the rules, acknowledge, silence."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Router, Schema, Status
from pydantic import Field

from alerting import selectors
from alerting.models import Alert, AlertRule, Silence
from alerting.services import alerts as service
from core.errors import NotFound
from flags.api.auth import caller, token_auth
from flags.api.bodies import Body
from flags.api.paging import Page, cut
from flags.api.times import Moment
from flags.services.tokens import Scope

router = Router(tags=["alerts"], auth=token_auth(Scope.OPERATE))


class AlertOut(Schema):
    """`starts_at` is when its condition began to hold. `absent_since`: since then there is no data for it."""

    id: int
    name: str
    via: str
    state: str
    severity: str
    labels: dict[str, str]
    annotations: dict[str, str]
    value: float | None
    starts_at: datetime
    fired_at: datetime | None
    absent_since: datetime | None
    resolved_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str
    comment: str

    @classmethod
    def of(cls, row: Alert) -> AlertOut:
        return cls(**{field: getattr(row, field) for field in cls.model_fields})


class RuleOut(Schema):
    """A rule, its health (ok, no_data, error, unknown), and how many of its alerts pend and fire."""

    name: str
    group: str
    expr: str
    condition: str
    for_seconds: int
    keep_firing_seconds: int
    severity: str
    labels: dict[str, str]
    annotations: dict[str, str]
    runbook_url: str
    enabled: bool
    health: str
    error: str
    evaluated_at: datetime | None
    no_data_since: datetime | None
    pending: int
    firing: int

    @classmethod
    def of(cls, row: AlertRule) -> RuleOut:
        return cls(**{field: getattr(row, field) for field in cls.model_fields})


class SilenceOut(Schema):
    id: int
    matchers: list[dict[str, str]]
    reason: str
    starts_at: datetime
    ends_at: datetime
    created_by: str
    ended_at: datetime | None

    @classmethod
    def of(cls, row: Silence) -> SilenceOut:
        return cls(**{field: getattr(row, field) for field in cls.model_fields})


class Wanted(Page):
    state: Literal["open", "pending", "firing", "resolved"] = "open"


class Comment(Body):
    comment: str


class SilenceIn(Body):
    """`starts_at` is now when it is left out; it ends at most 30 days later."""

    matchers: list[dict[str, Any]] = Field(examples=[[{"name": "alertname", "op": "=", "value": "ErrorRate"}]])
    reason: str
    starts_at: Moment | None = None
    ends_at: Moment


@router.get("/alerts", response=list[AlertOut], summary="Alerts of the token's environment, newest first")
def alerts(request: HttpRequest, response: HttpResponse, wanted: Query[Wanted]) -> list[AlertOut]:
    found = selectors.alerts(caller(request).environment)
    states = selectors.OPEN if wanted.state == "open" else (wanted.state,)
    return [AlertOut.of(row) for row in cut(request, response, found.filter(state__in=states), wanted)]


@router.get("/rules", response=list[RuleOut], summary="Alert rules of the token's environment")
def rules(request: HttpRequest) -> list[RuleOut]:
    return [RuleOut.of(row) for row in selectors.rules(caller(request).environment)]


@router.post("/alerts/{alert_id}/acknowledge", response=AlertOut, summary="Say that somebody looks after an alert")
def acknowledge(request: HttpRequest, alert_id: int, body: Comment) -> AlertOut:
    token = caller(request)
    _mine(selectors.alert(alert_id).environment.key, token.environment, f"alert {alert_id}")
    row = service.acknowledge(alert_id, comment=body.comment, actor=token.actor, now=timezone.now())
    return AlertOut.of(row)


@router.get("/silences", response=list[SilenceOut], summary="Silences that hold or will")
def silences(request: HttpRequest) -> list[SilenceOut]:
    return [SilenceOut.of(row) for row in selectors.live_silences(caller(request).environment, now=timezone.now())]


@router.post("/silences", response={201: SilenceOut}, summary="Tell nobody of alerts that match, for a while")
def silence(request: HttpRequest, body: SilenceIn) -> Status[SilenceOut]:
    token, now = caller(request), timezone.now()
    row = service.silence(
        token.environment,
        body.matchers,
        reason=body.reason,
        starts_at=body.starts_at or now,
        ends_at=body.ends_at,
        actor=token.actor,
        now=now,
    )
    return Status(201, SilenceOut.of(row))


@router.delete("/silences/{silence_id}", response=SilenceOut, summary="End a silence now")
def end_silence(request: HttpRequest, silence_id: int, reason: str) -> SilenceOut:
    token = caller(request)
    _mine(selectors.silence(silence_id).environment.key, token.environment, f"silence {silence_id}")
    return SilenceOut.of(service.end_silence(silence_id, reason=reason, actor=token.actor, now=timezone.now()))


def _mine(there: str, here: str, what: str) -> None:
    """What is in another environment is not there for this token."""
    if there != here:
        raise NotFound(f"There is no {what} in {here}.")
