"""Triggers over `/api/v1/triggers`: read them, and re-arm one that has fired."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema

from flags.api.auth import caller, token_auth
from flags.api.bodies import Body
from flags.services.tokens import Scope
from monitoring import selectors
from monitoring.models import Trigger
from monitoring.services import triggers as service

router = Router(tags=["triggers"], auth=token_auth(Scope.OPERATE))


class TriggerOut(Schema):
    """`judged_until` is the end of the last window; `value`, `samples` and `detail` are of that window.

    `limit` is what the value is compared with, `distance` how near it is: 1 is at it. Times are seconds.
    """

    key: str
    name: str
    environment: str
    measure: str
    numerator: dict[str, Any]
    denominator: dict[str, Any]
    threshold: float
    window: int
    max_window: int
    min_samples: int
    consecutive: int
    target: str
    flag_key: str
    enabled: bool
    actions: list[str]
    observe: bool
    percentile: int
    clear_threshold: float | None
    cooldown: int
    alpha: float | None
    factor: float | None
    phase: str
    state: str
    verdict: str
    value: float | None
    samples: int
    breaches: int
    judged_at: datetime | None
    judged_until: datetime | None
    passing_since: datetime | None
    latched_at: datetime | None
    cooling_until: datetime | None
    limit: float
    distance: float | None
    detail: dict[str, Any]
    evidence: dict[str, Any]


_COMPUTED = ("environment", "judged_until", "limit", "distance")


class Rearm(Body):
    reason: str


def shown(row: Trigger) -> TriggerOut:
    until = datetime.fromtimestamp(row.judged_until, UTC) if row.judged_at else None
    stored = {field: getattr(row, field) for field in TriggerOut.model_fields if field not in _COMPUTED}
    fact = selectors.fact(row)
    return TriggerOut(
        **stored,
        environment=row.environment.key,
        judged_until=until,
        limit=fact.threshold,
        distance=fact.distance,
    )


@router.get("/triggers", response=list[TriggerOut], summary="All triggers of the token's environment")
def triggers(request: HttpRequest) -> list[TriggerOut]:
    return [shown(row) for row in selectors.triggers(caller(request).environment)]


@router.get("/triggers/{key}", response=TriggerOut, summary="One trigger")
def trigger(request: HttpRequest, key: str) -> TriggerOut:
    return shown(selectors.trigger(key, caller(request).environment))


@router.post("/triggers/{key}/rearm", response=TriggerOut, summary="Let a trigger that has fired guard again")
def rearm(request: HttpRequest, key: str, body: Rearm) -> TriggerOut:
    token = caller(request)
    return shown(service.rearm(key, token.environment, actor=token.actor, reason=body.reason, now=timezone.now()))
