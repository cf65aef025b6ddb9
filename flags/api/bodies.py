"""What the doors of `/api/v1/flags` take and answer, and what they read of a request."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Schema
from pydantic import ConfigDict, Field

from core.requirements import Standing
from flags import selectors
from flags.api.auth import caller
from flags.api.etags import etag, expected
from flags.models import FlagState

_STORED = (
    *("enabled", "parameters", "targeting", "version", "allow_count", "deny_count", "changed_at"),
    *("disabled_at", "disabled_by", "disabled_reason", "rollback_id", "rollback_at", "rollback_reason"),
)
_DEFINED = ("key", "name", "description", "bucketing", "group", "variants", "value_schema", "parameter_schema")


class Body(Schema):
    """A misspelt field is refused, never ignored."""

    model_config = ConfigDict(extra="forbid")


class Change(Body):
    """`version` is the one you saw: when the flag has moved on since, the answer is 409 and nothing changes."""

    reason: str = Field("", examples=["Week 5, day 3"])
    version: int | None = Field(None, examples=[3])


class RequirementOut(Schema):
    """One thing that must be true before something goes on; `unknown` is never as good as `met`.

    `remedy` says what would satisfy it.
    """

    key: str
    title: str
    standing: Standing
    why: str
    remedy: str
    since: datetime | None


class FlagOut(Schema):
    """`definition_version` counts changes that concern every environment, `version` those of this one."""

    key: str
    name: str
    description: str
    environment: str
    enabled: bool
    percentage: float
    parameters: dict[str, Any]
    targeting: dict[str, Any]
    type: str
    variants: list[dict[str, Any]]
    value_schema: dict[str, Any]
    parameter_schema: dict[str, Any]
    bucketing: str
    group: str
    version: int
    definition_version: int
    allow_count: int
    deny_count: int
    changed_at: datetime
    disabled_at: datetime | None
    disabled_by: str
    disabled_reason: str
    rollback_id: str
    rollback_at: datetime | None
    rollback_reason: str


def shown(state: FlagState) -> FlagOut:
    return FlagOut(
        environment=state.environment.key,
        percentage=float(state.percentage),
        type=state.flag.value_type,
        definition_version=state.flag.version,
        **{field: getattr(state.flag, field) for field in _DEFINED},
        **{field: getattr(state, field) for field in _STORED},
    )


def state_of(request: HttpRequest, key: str) -> FlagState:
    """The flag in the environment of the token."""
    return selectors.state(key, caller(request).environment)


def told(response: HttpResponse, state: FlagState) -> FlagOut:
    """The flag, with its ETag in the headers."""
    response["ETag"] = etag(state)
    return shown(state)


def version_of(request: HttpRequest, key: str, body: Change) -> int | None:
    """The version that the caller saw; the flag is only read where If-Match asks for it."""
    if "If-Match" not in request.headers:
        return body.version
    return expected(request, state_of(request, key), body.version)
