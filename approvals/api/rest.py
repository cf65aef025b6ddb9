"""Change requests over `/api/v1/requests`: ask, look, talk, withdraw and apply in the environment of the token.

A refusal for want of approval (409) carries the body to post here. Only people approve and reject, signed in.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Router, Schema, Status

from approvals import selectors
from approvals.domain.states import RequestState
from approvals.selectors.shown import shown
from approvals.services import applying, deciding, requests
from core.asking import Change
from flags.api.auth import caller, token_auth
from flags.api.bodies import Body
from flags.api.paging import Page, cut
from flags.services.tokens import Scope

router = Router(tags=["change requests"], auth=token_auth(Scope.OPERATE))


class ChangeIn(Body):
    """`kind` is one of flag.state, flag.allow_list, flag.targeting, ramp.start, ...: docs/approvals.md has them all."""

    kind: str
    flag: str = ""
    payload: dict[str, Any] = {}


class AskChanges(Body):
    """`apply_at` is local time in `zone`, or has an offset; without it a person or a token applies the request."""

    title: str
    reason: str
    changes: list[ChangeIn]
    apply_at: datetime | None = None
    zone: str = ""


class Say(Body):
    text: str


class Withdraw(Body):
    reason: str = ""


class Approve(Body):
    digest: str


class RequestOut(Schema):
    """`approved_by` are those whose approval counts now; `stale` says what has changed underneath."""

    id: int
    title: str
    reason: str
    environment: str
    state: RequestState
    flags: list[str]
    changes: list[ChangeIn]
    effects: list[dict[str, Any]]
    rules: list[str]
    needed: int
    approved_by: list[str]
    digest: str
    stale: str
    requested_by: str
    contributors: list[str]
    created_at: datetime
    expires_at: datetime
    apply_at: datetime | None
    zone: str
    applied_when: str
    waiting_for: str
    voided_reason: str
    applied_at: datetime | None
    closed_at: datetime | None
    closed_by: str
    closed_reason: str
    reverts: int | None
    version: int


class RequestLine(Schema):
    """A request in a list: as the clock last saw it, at most 10 seconds ago."""

    id: int
    title: str
    environment: str
    state: RequestState
    flags: list[str]
    needed: int
    approved_by: list[str]
    requested_by: str
    created_at: datetime
    expires_at: datetime
    apply_at: datetime | None
    waiting_for: str
    voided_reason: str
    version: int


class Filter(Page):
    state: RequestState | None = None
    flag: str | None = None


def _now(request_id: int, *, environment: str) -> dict[str, Any]:
    return shown(selectors.get(request_id, environment=environment), now=timezone.now())


def _known(request: HttpRequest, request_id: int) -> int:
    return selectors.get(request_id, environment=caller(request).environment).pk


@router.get("/requests", response=list[RequestLine], summary="Change requests of the environment, newest first")
def listed(request: HttpRequest, response: HttpResponse, wanted: Query[Filter]) -> list[dict[str, Any]]:
    found = selectors.listed(environment=caller(request).environment, state=wanted.state, flag=wanted.flag)
    return [shown(row) for row in cut(request, response, found, wanted)]


@router.get("/requests/{request_id}", response=RequestOut, summary="One change request, as it stands now")
def one(request: HttpRequest, request_id: int) -> dict[str, Any]:
    return _now(request_id, environment=caller(request).environment)


@router.post("/requests", response={201: RequestOut}, summary="Ask for changes; they are tried out, nothing changes")
def ask(request: HttpRequest, body: AskChanges) -> Status[dict[str, Any]]:
    opened = requests.open_request(
        caller(request).environment,
        [Change(change.kind, change.flag, change.payload) for change in body.changes],
        title=body.title,
        reason=body.reason,
        actor=caller(request).actor,
        now=timezone.now(),
        apply_at=body.apply_at,
        zone=body.zone,
    )
    return Status(201, _now(opened.pk, environment=caller(request).environment))


@router.post("/requests/{request_id}/comments", response=RequestOut, summary="Say something about it")
def comment(request: HttpRequest, request_id: int, body: Say) -> dict[str, Any]:
    requests.comment(_known(request, request_id), body.text, actor=caller(request).actor, now=timezone.now())
    return _now(request_id, environment=caller(request).environment)


@router.post("/requests/{request_id}/refresh", response=RequestOut, summary="Lay it on what there is now")
def refresh(request: HttpRequest, request_id: int) -> dict[str, Any]:
    requests.refresh(_known(request, request_id), actor=caller(request).actor, now=timezone.now())
    return _now(request_id, environment=caller(request).environment)


@router.post("/requests/{request_id}/withdraw", response=RequestOut, summary="Take your own request back")
def withdraw(request: HttpRequest, request_id: int, body: Withdraw) -> dict[str, Any]:
    deciding.withdraw(_known(request, request_id), reason=body.reason, actor=caller(request).actor, now=timezone.now())
    return _now(request_id, environment=caller(request).environment)


@router.post("/requests/{request_id}/apply", response=RequestOut, summary="Do all of an approved request, once")
def apply(request: HttpRequest, request_id: int) -> dict[str, Any]:
    applying.apply(_known(request, request_id), actor=caller(request).actor, now=timezone.now())
    return _now(request_id, environment=caller(request).environment)


@router.post("/requests/{request_id}/approve", response=RequestOut, summary="Always refused (403): only people approve")
def approve(request: HttpRequest, request_id: int, body: Approve) -> dict[str, Any]:
    deciding.approve(_known(request, request_id), digest=body.digest, actor=caller(request).actor, now=timezone.now())
    return _now(request_id, environment=caller(request).environment)
