"""Who gets a flag, over `/api/v1`: targeting, the lists of npubs, and the segments that rules share."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Router, Schema, Status
from pydantic import Field

from flags.api.auth import token_auth
from flags.api.bodies import Body, Change, FlagOut, ListChange, ListOut, actor, state_of, token, told, version_of
from flags.api.paging import Page, cut
from flags.domain.keys import KEY_PATTERN
from flags.models import Segment
from flags.selectors.lists import npubs
from flags.selectors.segments import segments as all_segments
from flags.services import lists, segments, targeting
from flags.services.tokens import Scope

router = Router(tags=["flags"], auth=token_auth(Scope.OPERATE))
RULES = {"rules": [{"name": "Testers", "when": [{"segment": "testers"}], "percentage": 100, "serve": "on"}]}


class Targeting(Change):
    """All of it: what is left out is gone. docs/targeting.md tells the format."""

    targeting: dict[str, Any] = Field(examples=[RULES])


class ListPage(Page):
    """`q` is any part of an npub."""

    q: str = Field("", max_length=200)


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
        token(request).environment,
        body.targeting,
        actor=actor(request),
        reason=body.reason,
        now=timezone.now(),
        version=version_of(request, key, body),
    )
    return told(response, state)


@router.patch("/flags/{key}/deny-list", response=ListOut, summary="Add and remove npubs that never get it")
def edit_deny_list(request: HttpRequest, response: HttpResponse, key: str, body: ListChange) -> ListOut:
    done = lists.edit_deny_list(
        key,
        token(request).environment,
        add=body.add,
        remove=body.remove,
        actor=actor(request),
        reason=body.reason,
        now=timezone.now(),
        version=version_of(request, key, body),
    )
    return ListOut(
        flag=told(response, done.state),
        added=done.added,
        removed=done.removed,
        already_in=done.already_in,
        not_in=done.not_in,
    )


@router.get("/flags/{key}/lists/{kind}", response=list[str], summary="The npubs of a list, as they were added")
def listed(
    request: HttpRequest, response: HttpResponse, key: str, kind: Literal["allow", "deny"], wanted: Query[ListPage]
) -> list[str]:
    found = npubs(kind, state_of(request, key).pk, search=wanted.q)
    return [row.npub for row in cut(request, response, found, wanted)]


@router.get("/segments", response=list[SegmentOut], summary="Segments of the token's environment")
def listed_segments(request: HttpRequest, response: HttpResponse, wanted: Query[Page]) -> list[Segment]:
    return cut(request, response, all_segments(token(request).environment), wanted)


@router.put("/segments/{key}", response=SegmentOut, summary="Make or change a segment")
def define_segment(request: HttpRequest, key: Annotated[str, Field(pattern=KEY_PATTERN)], body: SegmentIn) -> Segment:
    return segments.define(
        key,
        token(request).environment,
        name=body.name,
        description=body.description,
        conditions=body.conditions,
        actor=actor(request),
        reason=body.reason,
        now=timezone.now(),
        version=body.version,
    )


@router.delete("/segments/{key}", response={204: None}, summary="Delete a segment that no flag uses")
def delete_segment(request: HttpRequest, key: str, reason: str = "", version: int | None = None) -> Status[None]:
    segments.delete(
        key, token(request).environment, actor=actor(request), reason=reason, now=timezone.now(), version=version
    )
    return Status(204, None)
