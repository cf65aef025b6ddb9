"""`GET /api/v1/query` and `/query_range`, answered as a Prometheus answers: for dashboards, and other controllers."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from ninja import Router

from core.errors import DomainError
from flags.api.auth import caller, token_auth
from flags.services.tokens import Scope
from monitoring.services import promql

router = Router(tags=["metrics"], auth=token_auth(Scope.OPERATE))
_TOLD = {
    "description": "No PromQL, or too much of it, in the words of Prometheus.",
    "content": {"application/json": {}},
}
_REFUSALS = {"responses": {400: _TOLD}}


@router.get("/query", summary="An expression (PromQL) at one moment, as Prometheus answers", openapi_extra=_REFUSALS)
def query(request: HttpRequest, query: str, time: str = "") -> HttpResponse:
    now = timezone.now().timestamp()
    try:
        at = _moment(time, now)
        found = promql.instant(caller(request).environment, query, at=at)
    except (DomainError, ValueError) as error:
        return _bad(error)
    result = [{"metric": dict(one.labels), "value": [at, _number(one.value)]} for one in found]
    return JsonResponse({"status": "success", "data": {"resultType": "vector", "result": result}})


@router.get("/query_range", summary="An expression (PromQL) over time, as Prometheus answers", openapi_extra=_REFUSALS)
def query_range(request: HttpRequest, query: str, start: str, end: str, step: str) -> HttpResponse:
    now = timezone.now().timestamp()
    try:
        found = promql.over(
            caller(request).environment,
            query,
            start=_moment(start, now),
            end=_moment(end, now),
            step=max(1, round(float(step.removesuffix("s")))),
            now=now,
        )
    except (DomainError, ValueError) as error:
        return _bad(error)
    result = [
        {"metric": dict(one.labels), "values": [[at, _number(value)] for at, value in one.points]} for one in found
    ]
    return JsonResponse({"status": "success", "data": {"resultType": "matrix", "result": result}})


def _moment(text: str, now: float) -> float:
    """Unix seconds or RFC 3339; the last complete ten seconds when there is none."""
    if not text:
        return int(now - 3) // 10 * 10
    try:
        found = float(text)
    except ValueError:
        found = datetime.fromisoformat(text).timestamp()
    if not 0 <= found < 1e11:
        raise ValueError(f"{text!r:.40} is no time.")
    return found


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return repr(value) if math.isfinite(value) else "+Inf" if value > 0 else "-Inf"


def _bad(error: Any) -> HttpResponse:
    return ForeignError({"status": "error", "errorType": "bad_data", "error": str(error)}, status=400)


class ForeignError(JsonResponse):
    """An error in the shape of another product, which our own shape of errors leaves alone."""

    foreign = True
