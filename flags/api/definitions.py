"""New flags, over `/api/v1`. What a flag is concerns every environment; it starts disabled in all of them."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Status
from pydantic import Field

from flags.api.auth import caller
from flags.api.bodies import Body, FlagOut, state_of, told
from flags.domain.bucketing import Bucketing
from flags.domain.definition import DefinitionChange
from flags.domain.values import ValueType
from flags.services import definition


class Variant(Body):
    key: str
    value: Any


class FlagIn(Body):
    """`variants` of a boolean flag may be left out: it has on and off. docs/flags.md tells what each field means."""

    key: str = Field(examples=["fastPayouts"])
    name: str = Field(examples=["Fast payouts"])
    description: str = ""
    type: ValueType = ValueType.BOOLEAN
    variants: list[Variant] = []
    bucketing: Bucketing = Bucketing.MURMUR3
    group: str = ""
    value_schema: dict[str, Any] = {}
    parameter_schema: dict[str, Any] = {}
    reason: str = ""


def create(request: HttpRequest, response: HttpResponse, body: FlagIn) -> Status[FlagOut]:
    """The answer is the flag in the token's environment."""
    values = body.model_dump(exclude={"key", "type", "reason"}, mode="json")
    wanted = DefinitionChange(value_type=body.type.value, **values)
    definition.create(body.key, wanted, actor=caller(request).actor, reason=body.reason, now=timezone.now())
    response["Location"] = f"/api/v1/flags/{body.key}"
    return Status(201, told(response, state_of(request, body.key)))
