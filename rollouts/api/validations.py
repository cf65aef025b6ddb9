"""Validations over `/api/v1/validations`: ask for one, and read them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Router, Schema, Status

from flags.api.auth import caller, token_auth
from flags.api.paging import Page, cut
from flags.services.tokens import Scope
from rollouts.models import ValidationRun
from rollouts.selectors.validation import validation as one
from rollouts.selectors.validation import validations as all_of
from rollouts.services import validation as service

router = Router(tags=["validations"], auth=token_auth(Scope.OPERATE))


class EvidenceOut(Schema):
    """`ok` is null for what is only told."""

    name: str
    value: str
    ok: bool | None


class ResultOut(Schema):
    """`success` is null where there was nothing to look at. `todo` says what to do about what is wrong; `seconds` is
    how long the check took.
    """

    success: bool | None
    summary: str
    evidence: list[EvidenceOut]
    todo: list[str]
    seconds: float


class ValidationOut(Schema):
    """`success` is null until it is finished, and stays null when its process was lost."""

    id: int
    environment: str
    started_at: datetime
    started_by: str
    finished_at: datetime | None
    success: bool | None
    results: dict[str, ResultOut]


def shown(row: ValidationRun) -> dict[str, Any]:
    """A run for a machine."""
    stored = {name: getattr(row, name) for name in ("started_at", "started_by", "finished_at", "success", "results")}
    return {"id": row.pk, "environment": row.environment.key, **stored}


@router.post("/validations", response={202: ValidationOut}, summary="Validate what is deployed")
def validate(request: HttpRequest) -> Status[dict[str, Any]]:
    """A worker takes it within seconds and is done within three minutes: read it again until it is finished."""
    token = caller(request)
    return Status(202, shown(service.request(token.environment, actor=token.actor, now=timezone.now())))


@router.get("/validations", response=list[ValidationOut], summary="All validations, newest first")
def validations(request: HttpRequest, response: HttpResponse, wanted: Query[Page]) -> list[dict[str, Any]]:
    return [shown(row) for row in cut(request, response, all_of(caller(request).environment), wanted)]


@router.get("/validations/{int:number}", response=ValidationOut, summary="One validation with its evidence")
def validation(request: HttpRequest, number: int) -> dict[str, Any]:
    return shown(one(number, environment=caller(request).environment))
