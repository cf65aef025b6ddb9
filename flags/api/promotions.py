"""Promotions over `/api/v1/promotions`: into the environment of the token, from another one."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import Field

from flags.api.auth import caller, token_auth
from flags.api.bodies import Body, FlagOut, shown
from flags.domain.promotion import PARTS, Promotion
from flags.services import promotion
from flags.services.tokens import Scope

router = Router(tags=["flags"], auth=token_auth(Scope.OPERATE))


class Wanted(Schema):
    source: str = Field(description="The environment to take over from.")
    flags: list[str] = Field(min_length=1)
    parts: list[str] = Field(list(PARTS), description=f"Of {', '.join(PARTS)}; all when left out.")


class Promote(Body):
    """`waiver` says why the order of environments is left, where it is: then an approver has to agree."""

    source: str = Field(examples=["pre-production"])
    flags: list[str] = Field(min_length=1, examples=[["atomicMeltOperations"]])
    parts: list[str] = list(PARTS)
    waiver: str = ""
    reason: str = ""


class PromotionOut(Schema):
    """What the flag would take over: fields with their new values, and what its lists gain and lose."""

    flag: str
    fields: dict[str, Any]
    allow: dict[str, list[str]]
    deny: dict[str, list[str]]


@router.get("/promotions", response=list[PromotionOut], summary="What a promotion would change now")
def preview(request: HttpRequest, wanted: Query[Wanted]) -> list[PromotionOut]:
    found = promotion.preview(wanted.flags, wanted.source, caller(request).environment, parts=wanted.parts)
    return [_shown(each) for each in found]


@router.post("/promotions", response=list[FlagOut], summary="Take flags over from another environment, all or none")
def promote(request: HttpRequest, body: Promote) -> list[FlagOut]:
    """The flags that changed."""
    done = promotion.promote(
        body.flags,
        body.source,
        caller(request).environment,
        actor=caller(request).actor,
        reason=body.reason,
        now=timezone.now(),
        parts=body.parts,
        waiver=body.waiver,
    )
    return [shown(state) for state in done]


def _shown(found: Promotion) -> PromotionOut:
    return PromotionOut(
        flag=found.flag, fields=dict(found.fields), allow=found.allow.to_dict(), deny=found.deny.to_dict()
    )
