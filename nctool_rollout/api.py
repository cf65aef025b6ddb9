"""`/api/v1`: the routers of the apps, and how their refusals are told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from ninja.errors import AuthenticationError, HttpError, ValidationError

from alerting.api import router as alerting
from approvals.api import router as requests
from audit.api import router as audit
from communications.api import router as communications
from core.asking import ApprovalNeeded
from core.errors import DomainError, StaleVersion
from flags.api.auth import TooManyRequests
from flags.api.calendar import router as calendar
from flags.api.clients import router as clients
from flags.api.freezes import router as freezes
from flags.api.lists import router as lists
from flags.api.looking import router as looking
from flags.api.promotions import router as promotions
from flags.api.rest import router as flags
from flags.api.targeting import router as targeting
from improvement.api import router as improvement
from incidents.api import router as incidents
from kpis.api import router as kpis
from migrations_app.api import router as migrations
from monitoring.api import router as monitoring
from nctool_rollout.openapi import Api
from nctool_rollout.problems import database_gone, problem
from nctool_rollout.storable import storable
from oncall.api import router as oncall
from plans.api import router as plans
from reports.api import router as reports
from risk.api import router as risk
from rollbacks.api import router as rollbacks
from rollouts.api import router as ramps

api = Api(
    title="nctool rollout",
    version="1",
    description="Flags, ramps, plans, change requests, rollbacks, incidents and metrics of one environment, "
    "that of the token. Errors are `application/problem+json` (RFC 9457). docs/api.md tells the rest.",
    docs_url=None,
    urls_namespace="api-v1",
)
ROUTERS = (
    flags,
    lists,
    targeting,
    promotions,
    freezes,
    looking,
    clients,
    calendar,
    monitoring,
    alerting,
    risk,
    kpis,
    ramps,
    requests,
    rollbacks,
    incidents,
    oncall,
    plans,
    migrations,
    communications,
    reports,
    improvement,
    audit,
)
api.add_decorator(storable)
for router in ROUTERS:
    api.add_router("", router)


@api.exception_handler(DomainError)
def refused(request: HttpRequest, error: DomainError) -> HttpResponse:
    response = problem(error.status, str(error), field=getattr(error, "field", None))
    if isinstance(error, TooManyRequests):
        response["Retry-After"] = str(error.retry_after)
    return response


@api.exception_handler(StaleVersion)
def stale(request: HttpRequest, error: StaleVersion) -> HttpResponse:
    """Whoever asked by `If-Match` is told by its own status."""
    return problem(412 if "If-Match" in request.headers else error.status, str(error), version=error.actual)


@api.exception_handler(ApprovalNeeded)
def approval_needed(request: HttpRequest, error: ApprovalNeeded) -> HttpResponse:
    """The way on is in the answer: the caller may send this body as it is."""
    body = {"title": error.title, "reason": _reason(request), "changes": [change.to_dict() for change in error.changes]}
    approval = {
        "rules": [need.why for need in error.needs],
        "approvals": error.approvals,
        "request": {"method": "POST", "href": "/api/v1/requests", "body": body},
    }
    return problem(error.status, str(error), approval=approval)


@api.exception_handler(ValidationError)
def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    errors = [{"field": _field(flaw["loc"]), "detail": _sentence(flaw)} for flaw in error.errors]
    first = errors[0]
    return problem(422, f"{first['field']}: {first['detail']}", field=first["field"], errors=errors)


@api.exception_handler(AuthenticationError)
def unknown(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    response = problem(401, "Send a live token, as `Authorization: Bearer <token>` or as `X-API-Key: <token>`.")
    response["WWW-Authenticate"] = "Bearer"
    return response


@api.exception_handler(HttpError)
def unreadable(request: HttpRequest, error: HttpError) -> HttpResponse:
    return problem(error.status_code, str(error))


@api.exception_handler(OperationalError)
@api.exception_handler(InterfaceError)
def unreachable(request: HttpRequest, error: Exception) -> HttpResponse:
    return database_gone()


def _reason(request: HttpRequest) -> str:
    """The reason of the refused call, for the request that asks for the same."""
    try:
        sent = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        return ""
    return str(sent.get("reason", "")) if isinstance(sent, dict) else ""


def _field(location: Sequence[Any]) -> str:
    """`("body", "payload", "metrics", 3, "value")` is the caller's `metrics.3.value`."""
    skipped = 2 if location[0] == "body" and len(location) > 2 else 1
    return ".".join(str(part) for part in location[skipped:]) or "body"


def _sentence(flaw: dict[str, Any]) -> str:
    return str(flaw["msg"]).removeprefix("Value error, ")
