"""More of `/api/v1/incidents`: roles, links, facts, the checklist, merging, and the timeline."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema
from pydantic import Field

from core.errors import NotFound
from flags.api.auth import caller, token_auth
from flags.api.bodies import Body
from flags.services.tokens import Scope
from incidents import selectors
from incidents.api.answering import as_it_is, known, who
from incidents.api.rest import IncidentOut
from incidents.domain.states import Role
from incidents.selectors import timeline
from incidents.services import acting, linking, steering, telling

router = Router(tags=["incidents"], auth=token_auth(Scope.OPERATE))


class Roles(Body):
    """User names of people who can sign in. Left out: as before; empty: nobody."""

    commander: str | None = None
    communications: str | None = None
    scribe: str | None = None
    version: int | None = None


class LinkIn(Body):
    subject: str = Field(examples=["flag:atomicMeltOperations"])


class Merge(Body):
    """`into`: the number of the incident that goes on."""

    into: int
    reason: str


class Fact(Body):
    text: str


class Done(Body):
    """`note`: what was done, and where it can be seen; needed for what the product would do itself."""

    note: str = ""


class EntryOut(Schema):
    """`more`: how many of the same kind about the same came right before it."""

    at: datetime
    kind: str
    subject: str
    by: str
    text: str
    more: int


@router.get("/incidents/{number}/timeline", response=list[EntryOut], summary="What happened in it, the newest first")
def happened(request: HttpRequest, number: int) -> list[dict[str, Any]]:
    row = selectors.get(number, environment=caller(request).environment)
    return [
        {
            "at": entry.event.at,
            "kind": entry.event.kind,
            "subject": entry.event.subject,
            "by": entry.event.actor,
            "text": entry.event.reason,
            "more": entry.more,
        }
        for entry in timeline.timeline(row, now=timezone.now())
    ]


@router.post("/incidents/{number}/roles", response=IncidentOut, summary="Say who leads, tells the others, writes down")
def roles(request: HttpRequest, number: int, body: Roles) -> dict[str, Any]:
    given = {role: name for role in Role if (name := getattr(body, role.value)) is not None}
    steering.assign(known(request, number), given, version=body.version, **who(request))
    return as_it_is(request, number)


@router.post("/incidents/{number}/links", response=IncidentOut, summary="Say what it is about, too")
def link(request: HttpRequest, number: int, body: LinkIn) -> dict[str, Any]:
    linking.link(known(request, number), body.subject, **who(request))
    return as_it_is(request, number)


@router.post(
    "/incidents/{number}/merge", response=IncidentOut, summary="It is the same as another; that one comes back"
)
def merge(request: HttpRequest, number: int, body: Merge) -> dict[str, Any]:
    into = known(request, body.into)
    linking.merge(known(request, number), into, reason=body.reason, **who(request))
    return as_it_is(request, into)


@router.post("/incidents/{number}/facts/unpin", response=IncidentOut, summary="Take a pinned fact from the top")
def unpin(request: HttpRequest, number: int, body: Fact) -> dict[str, Any]:
    telling.unpin(known(request, number), body.text, **who(request))
    return as_it_is(request, number)


@router.post("/incidents/{number}/actions/{action}/done", response=IncidentOut, summary="An action of the list is done")
def done(request: HttpRequest, number: int, action: int, body: Done) -> dict[str, Any]:
    row = selectors.get(number, environment=caller(request).environment)
    if not selectors.actions(row).filter(pk=action).exists():
        raise NotFound(f"Incident {number} has no action {action}.")
    acting.mark_done(action, note=body.note, **who(request))
    return as_it_is(request, number)
