"""Targeting over `/api/v1`: the rules of a flag, and the segments that they share."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Router, Schema, Status
from pydantic import Field

from flags.api.auth import caller, token_auth
from flags.api.bodies import Body, Change, FlagOut, told, version_of
from flags.api.paging import Page, cut
from flags.domain.keys import KEY_PATTERN
from flags.models import Segment
from flags.selectors.segments import segments as all_segments
from flags.services import segments, targeting
from flags.services.tokens import Scope

router = Router(tags=["flags"], auth=token_auth(Scope.OPERATE))
RULES = {"rules": [{"name": "Testers", "when": [{"segment": "testers"}], "percentage": 100, "serve": "on"}]}


class Targeting(Change):
    """All of it: what is left out is gone. docs/targeting.md tells the format."""

    targeting: dict[str, Any] = Field(examples=[RULES])


class SegmentIn(Body):
    """`version` is the one you saw; 0 for a new segment."""

    name: str = Field(examples=["Testers"])
    description: str = ""
    conditions: list[dict[str, Any]] = Field(examples=[[{"attribute": "country", "op": "in", "values": ["DE"]}]])
    reason: str = ""
    version: int | None = None


class SegmentOut(Schema):
    key: str
    name: str
    description: str
    conditions: list[dict[str, Any]]
    version: int
    changed_at: datetime


@router.put("/flags/{key}/targeting", response=FlagOut, summary="Replace prerequisites, rules and what is served")
def set_targeting(request: HttpRequest, response: HttpResponse, key: str, body: Targeting) -> FlagOut:
    state = targeting.set_targeting(
        key,
        caller(request).environment,
        body.targeting,
        actor=caller(request).actor,
        reason=body.reason,
        now=timezone.now(),
        version=version_of(request, key, body),
    )
    return told(response, state)


@router.get("/segments", response=list[SegmentOut], summary="Segments of the token's environment")
def listed_segments(request: HttpRequest, response: HttpResponse, wanted: Query[Page]) -> list[Segment]:
    return cut(request, response, all_segments(caller(request).environment), wanted)


@router.put("/segments/{key}", response=SegmentOut, summary="Make or change a segment")
def define_segment(request: HttpRequest, key: Annotated[str, Field(pattern=KEY_PATTERN)], body: SegmentIn) -> Segment:
    return segments.define(
        key,
        caller(request).environment,
        name=body.name,
        description=body.description,
        conditions=body.conditions,
        actor=caller(request).actor,
        reason=body.reason,
        now=timezone.now(),
        version=body.version,
    )


@router.delete("/segments/{key}", response={204: None}, summary="Delete a segment that no flag uses")
def delete_segment(request: HttpRequest, key: str, reason: str = "", version: int | None = None) -> Status[None]:
    segments.delete(
        key,
        caller(request).environment,
        actor=caller(request).actor,
        reason=reason,
        now=timezone.now(),
        version=version,
    )
    return Status(204, None)
