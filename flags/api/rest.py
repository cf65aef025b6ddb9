"""Flags over `/api/v1/flags`: read and change them in the environment of the token."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Router, Schema, Status
from pydantic import Field

from flags import selectors
from flags.api.auth import caller, token_auth
from flags.api.bodies import Body, Change, FlagOut, shown, state_of, told, version_of
from flags.api.definitions import create
from flags.api.etags import etag, is_known
from flags.api.paging import Page, cut
from flags.domain.change import StateChange
from flags.services import emergency, rollout
from flags.services.tokens import Scope


class FlagOrder(StrEnum):
    """With a minus: the highest, latest or last first."""

    KEY = "key"
    KEY_DOWN = "-key"
    PERCENTAGE = "percentage"
    PERCENTAGE_DOWN = "-percentage"
    CHANGED = "changed_at"
    CHANGED_DOWN = "-changed_at"


SORTS = {
    FlagOrder.KEY: ["flag__key"],
    FlagOrder.KEY_DOWN: ["-flag__key"],
    FlagOrder.PERCENTAGE: ["percentage", "flag__key"],
    FlagOrder.PERCENTAGE_DOWN: ["-percentage", "flag__key"],
    FlagOrder.CHANGED: ["changed_at", "flag__key"],
    FlagOrder.CHANGED_DOWN: ["-changed_at", "flag__key"],
}
router = Router(tags=["flags"], auth=token_auth(Scope.OPERATE))
router.post("/flags", response={201: FlagOut}, summary="Make a flag")(create)


class Percentage(Change):
    percentage: Decimal = Field(examples=[25])


class Parameters(Change):
    parameters: dict[str, Any] = Field(examples=[{"transactionTimeout": 30000}])


class Emergency(Body):
    """An emergency has no version: it is done whatever else has changed."""

    reason: str = Field(examples=["Melts are stuck"])


class Rollback(Emergency):
    evidence: dict[str, Any] = {}


class FlagFilter(Page):
    """`q` is a part of the key or the name."""

    q: str = Field("", max_length=100)
    enabled: bool | None = None
    sort: FlagOrder = FlagOrder.KEY


class FlagRollbackOut(Schema):
    flag: FlagOut
    rollback_id: str


def _change(request: HttpRequest, response: HttpResponse, key: str, wanted: StateChange, why: Change) -> FlagOut:
    state = rollout.change(
        key,
        caller(request).environment,
        wanted,
        actor=caller(request).actor,
        reason=why.reason,
        now=timezone.now(),
        version=version_of(request, key, why),
    )
    return told(response, state)


@router.get("/flags", response=list[FlagOut], summary="Flags of the token's environment, without archived ones")
def flags(request: HttpRequest, response: HttpResponse, wanted: Query[FlagFilter]) -> list[FlagOut]:
    found = selectors.states(caller(request).environment)
    if wanted.q:
        found = found.filter(Q(flag__key__icontains=wanted.q) | Q(flag__name__icontains=wanted.q))
    if wanted.enabled is not None:
        found = found.filter(enabled=wanted.enabled)
    return [shown(state) for state in cut(request, response, found.order_by(*SORTS[wanted.sort]), wanted)]


@router.get("/flags/{key}", response={200: FlagOut, 304: None}, summary="One flag")
def flag(request: HttpRequest, response: HttpResponse, key: str) -> FlagOut | Status[None]:
    """With `If-None-Match` the answer is 304, without a body, when you have it already."""
    state = state_of(request, key)
    found = told(response, state)
    return Status(304, None) if is_known(request, etag(state)) else found


@router.post("/flags/{key}/enable", response=FlagOut, summary="Switch on; allow-list and percentage decide for whom")
def enable(request: HttpRequest, response: HttpResponse, key: str, body: Change) -> FlagOut:
    return _change(request, response, key, StateChange(enabled=True), body)


@router.post("/flags/{key}/disable", response=FlagOut, summary="Switch off for everybody and keep the percentage")
def disable(request: HttpRequest, response: HttpResponse, key: str, body: Change) -> FlagOut:
    return _change(request, response, key, StateChange(enabled=False), body)


@router.post("/flags/{key}/rollout", response=FlagOut, summary="Set the percentage")
def set_rollout(request: HttpRequest, response: HttpResponse, key: str, body: Percentage) -> FlagOut:
    return _change(request, response, key, StateChange(percentage=body.percentage), body)


@router.post("/flags/{key}/parameters", response=FlagOut, summary="Replace all parameters")
def set_parameters(request: HttpRequest, response: HttpResponse, key: str, body: Parameters) -> FlagOut:
    return _change(request, response, key, StateChange(parameters=body.parameters), body)


@router.patch("/flags/{key}/parameters", response=FlagOut, summary="Set single parameters and keep the others")
def patch_parameters(request: HttpRequest, response: HttpResponse, key: str, body: Parameters) -> FlagOut:
    return _change(request, response, key, StateChange(patch=body.parameters), body)


@router.post("/flags/{key}/emergency-disable", response=FlagOut, summary="Off at once, at 0 percent, with an alert")
def emergency_disable(request: HttpRequest, response: HttpResponse, key: str, body: Emergency) -> FlagOut:
    state = emergency.emergency_disable(
        key, caller(request).environment, actor=caller(request).actor, reason=body.reason, now=timezone.now()
    )
    return told(response, state)


@router.post("/flags/{key}/rollback", response=FlagRollbackOut, summary="Off because it does harm, with a rollback id")
def roll_back(request: HttpRequest, response: HttpResponse, key: str, body: Rollback) -> FlagRollbackOut:
    environment = caller(request).environment
    rollback_id = emergency.roll_back(
        key, environment, actor=caller(request).actor, reason=body.reason, now=timezone.now(), evidence=body.evidence
    )
    return FlagRollbackOut(flag=told(response, state_of(request, key)), rollback_id=rollback_id)
