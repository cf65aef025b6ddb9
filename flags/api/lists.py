"""The allow-list and the deny-list of a flag, over `/api/v1/flags`."""

from __future__ import annotations

from typing import Literal

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import Field

from flags.api.auth import caller, token_auth
from flags.api.bodies import Change, FlagOut, state_of, told, version_of
from flags.api.paging import Page, cut
from flags.selectors.lists import npubs
from flags.services.lists import ALLOW, DENY, Kind, edit_list
from flags.services.tokens import Scope

router = Router(tags=["flags"], auth=token_auth(Scope.OPERATE))


class ListChange(Change):
    add: list[str] = Field([], examples=[["npub1example"]])
    remove: list[str] = []


class ListOut(Schema):
    flag: FlagOut
    added: int
    removed: int
    already_in: int
    not_in: int


class ListPage(Page):
    """`q` is any part of an npub."""

    q: str = Field("", max_length=200)


@router.patch("/flags/{key}/allow-list", response=ListOut, summary="Add and remove npubs")
def edit_allow_list(request: HttpRequest, response: HttpResponse, key: str, body: ListChange) -> ListOut:
    return _edit(request, response, ALLOW, key, body)


@router.patch("/flags/{key}/deny-list", response=ListOut, summary="Add and remove npubs that never get it")
def edit_deny_list(request: HttpRequest, response: HttpResponse, key: str, body: ListChange) -> ListOut:
    return _edit(request, response, DENY, key, body)


@router.get("/flags/{key}/lists/{kind}", response=list[str], summary="The npubs of a list, as they were added")
def listed(
    request: HttpRequest, response: HttpResponse, key: str, kind: Literal["allow", "deny"], wanted: Query[ListPage]
) -> list[str]:
    found = npubs(kind, state_of(request, key).pk, search=wanted.q)
    return [row.npub for row in cut(request, response, found, wanted)]


def _edit(request: HttpRequest, response: HttpResponse, kind: Kind, key: str, body: ListChange) -> ListOut:
    done = edit_list(
        kind,
        key,
        caller(request).environment,
        add=body.add,
        remove=body.remove,
        actor=caller(request).actor,
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
