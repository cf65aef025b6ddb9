"""Alerts from outside: the webhook of an Alertmanager, and what a Prometheus posts as if we were one."""

from __future__ import annotations

from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from ninja import Router, Schema
from ninja.errors import HttpError

from alerting.domain.states import Via
from alerting.services import receiving
from core.errors import DomainError
from core.texts import check_storable_within
from flags.api.auth import admit, caller, text_of, token_auth
from flags.services.tokens import Scope

MOST_BYTES = 2 * 1024 * 1024
router = Router(tags=["alerts"], auth=token_auth(Scope.REPORT))
_SCHEMA = {"type": "object", "description": "A webhook of version 4, as Alertmanager sends it."}
_BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": _SCHEMA}}}}


class Taken(Schema):
    """How many alerts began or ended by it."""

    changed: int


@router.post("/alertmanager", response=Taken, summary="Webhook of an Alertmanager (version 4)", openapi_extra=_BODY)
def alertmanager(request: HttpRequest) -> Taken:
    token = caller(request)
    body = _read(request)
    now = timezone.now()
    return Taken(changed=receiving.receive(token.environment, Via.ALERTMANAGER, body, actor=token.actor, now=now))


@csrf_exempt
@require_POST
def prometheus(request: HttpRequest) -> HttpResponse:
    """`POST /api/v2/alerts`: what Prometheus sends to its Alertmanagers."""
    try:
        token = admit(text_of(request), [Scope.REPORT])
        if token is None:
            return _problem(401, "Send a live token with the scope report.")
        receiving.receive(token.environment, Via.PROMETHEUS, _read(request), actor=token.actor, now=timezone.now())
    except DomainError as error:
        return _problem(error.status, str(error))
    except HttpError as error:
        return _problem(error.status_code, str(error))
    return HttpResponse(status=200)


def _problem(status: int, detail: str) -> HttpResponse:
    return JsonResponse({"status": status, "detail": detail}, status=status, content_type="application/problem+json")


def _read(request: HttpRequest) -> Any:
    if int(request.META.get("CONTENT_LENGTH") or 0) > MOST_BYTES:
        raise HttpError(413, f"At most {MOST_BYTES:,} bytes.")
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError as error:
        raise HttpError(400, f"The body is not JSON: {error}.") from None
    if body is None:
        raise HttpError(400, "The body is null.")  # what cannot be read is kept, and there is nothing to keep
    check_storable_within(body)
    return body
