"""The risk over `/api/v1/risk`: the score, the register, and what a change would risk."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import Field

from core.errors import NotFound
from flags.api.auth import caller, token_auth
from flags.services.tokens import Scope
from risk import selectors
from risk.services import change

router = Router(tags=["risk"], auth=token_auth(Scope.OPERATE))


class RiskOut(Schema):
    """`score` (0 to 100) is made of the known factors; with the missing ones it lies between `low` and `high`."""

    at: datetime
    score: float | None
    low: float
    high: float
    level: str
    factors: dict[str, dict[str, Any]]


class RegisteredOut(Schema):
    key: str
    title: str
    probability: str
    impact: str
    mitigations: list[str]
    owner: str
    state: str
    review_on: date | None
    links: list[dict[str, str]]


class PointOut(Schema):
    points: float
    why: str


class ChangeOut(Schema):
    score: float
    level: str
    points: list[PointOut]


class Wanted(Schema):
    flag: str
    percentage: Decimal = Field(ge=0, le=100)


@router.get("/risk", response=RiskOut, summary="The newest assessment of the token's environment")
def risk(request: HttpRequest) -> RiskOut:
    environment = caller(request).environment
    row = selectors.latest(environment)
    if row is None:
        raise NotFound(f"{environment} was not assessed yet: nothing is measured there.")
    return RiskOut(**{field: getattr(row, field) for field in RiskOut.model_fields})


@router.get("/risk/register", response=list[RegisteredOut], summary="The register of risks")
def register(request: HttpRequest) -> list[RegisteredOut]:
    return [
        RegisteredOut(**{field: getattr(row, field) for field in RegisteredOut.model_fields})
        for row in selectors.register()
    ]


@router.get("/risk/change", response=ChangeOut, summary="What it would risk to bring a flag to a percentage now")
def of_change(request: HttpRequest, wanted: Query[Wanted]) -> ChangeOut:
    environment = caller(request).environment
    found = change.assess(wanted.flag, environment, wanted.percentage, now=timezone.now())
    points = [PointOut(points=point.points, why=point.why) for point in found.points]
    return ChangeOut(score=found.score, level=found.level.value, points=points)
