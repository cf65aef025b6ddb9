"""Incidents over `/api/v1/incidents`: a token declares and works on them in its environment. People lower levels."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema, Status
from pydantic import Field

from core.errors import Refused
from flags.api.auth import caller, token_auth
from flags.api.bodies import Body
from flags.api.paging import Page, cut
from flags.services.tokens import Scope
from incidents import selectors
from incidents.api.answering import as_it_is, known, who
from incidents.domain.states import Cause, IncidentState
from incidents.selectors.shown import brief, shown
from incidents.services import levelling, opening, steering, telling

router = Router(tags=["incidents"], auth=token_auth(Scope.OPERATE))


class Declare(Body):
    """`separate`: another one is open in the environment, and this is another thing. Without it that is refused."""

    title: str = Field(examples=["Melts fail"])
    level: int = Field(examples=[2], description="1 minor, 2 major, 3 critical.")
    summary: str = ""
    flags: list[str] = []
    components: list[str] = []
    separate: bool = False


class Update(Body):
    """`texts` by audience; users and partners are told only what is written for them.

    `components` that are affected from now on; left out: as before.
    """

    text: str = ""
    texts: dict[str, str] = Field({}, examples=[{"users": "Payments take longer. More at 10:30 UTC."}])
    components: list[str] | None = None


class MoveIncident(Body):
    state: IncidentState
    reason: str = ""
    version: int | None = None


class Raise(Body):
    level: int
    reason: str
    version: int | None = None


class Note(Body):
    text: str
    pin: bool = False


class FactOut(Schema):
    text: str
    by: str
    at: datetime


class IncidentActionOut(Schema):
    """`does` is what of the product does it; empty: people, by hand."""

    id: int
    level: int
    text: str
    does: str
    done_at: datetime | None
    done_by: str
    note: str


class LinkOut(Schema):
    """`times`: how many events about it came."""

    subject: str
    times: int
    first_at: datetime
    last_at: datetime
    by: str


class IncidentBrief(Schema):
    """`escalate_at` is when it becomes the next level unless somebody acknowledges it before."""

    number: int
    environment: str
    title: str
    summary: str
    cause: Cause
    level: int
    highest: int
    state: IncidentState
    gathers: bool
    merged_into: int | None
    components: list[str]
    facts: list[FactOut]
    began_at: datetime
    opened_at: datetime
    opened_by: str
    escalate_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str
    mitigated_at: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None
    commander: str
    communications: str
    scribe: str
    version: int


class IncidentOut(IncidentBrief):
    actions: list[IncidentActionOut]
    links: list[LinkOut]


class Filter(Page):
    state: IncidentState | None = None


@router.get("/incidents", response=list[IncidentBrief], summary="Incidents of the environment, open ones first")
def listed(request: HttpRequest, response: HttpResponse, wanted: Query[Filter]) -> list[dict[str, Any]]:
    found = selectors.listed(environment=caller(request).environment, state=wanted.state)
    return [brief(row) for row in cut(request, response, found, wanted)]


@router.post("/incidents", response={201: IncidentOut}, summary="Declare an incident")
def declare(request: HttpRequest, body: Declare) -> Status[dict[str, Any]]:
    row = opening.declare(
        caller(request).environment,
        body.title,
        body.level,
        summary=body.summary,
        flag_keys=body.flags,
        components=body.components,
        separate=body.separate,
        **who(request),
    )
    return Status(201, shown(selectors.get(row.pk)))


@router.get("/incidents/{number}", response=IncidentOut, summary="One incident, with its checklist and its links")
def one(request: HttpRequest, number: int) -> dict[str, Any]:
    return as_it_is(request, number)


@router.post("/incidents/{number}/acknowledge", response=IncidentOut, summary="Look after it: it escalates no more")
def acknowledge(request: HttpRequest, number: int) -> dict[str, Any]:
    steering.acknowledge(known(request, number), **who(request))
    return as_it_is(request, number)


@router.post("/incidents/{number}/updates", response=IncidentOut, summary="Tell each audience how it stands")
def update(request: HttpRequest, number: int, body: Update) -> dict[str, Any]:
    told: dict[str, Any] = {"texts": body.texts, "components": body.components}
    telling.update(known(request, number), body.text, **told, **who(request))
    return as_it_is(request, number)


@router.post("/incidents/{number}/notes", response=IncidentOut, summary="Write something into its timeline")
def note(request: HttpRequest, number: int, body: Note) -> dict[str, Any]:
    telling.note(known(request, number), body.text, pin=body.pin, **who(request))
    return as_it_is(request, number)


@router.post("/incidents/{number}/state", response=IncidentOut, summary="Say how far it is; investigating reopens it")
def move(request: HttpRequest, number: int, body: MoveIncident) -> dict[str, Any]:
    told: dict[str, Any] = {"reason": body.reason, "version": body.version}
    steering.set_state(known(request, number), body.state, **told, **who(request))
    return as_it_is(request, number)


@router.post("/incidents/{number}/level", response=IncidentOut, summary="Raise its level; only people lower it")
def level(request: HttpRequest, number: int, body: Raise) -> dict[str, Any]:
    row = selectors.get(number, environment=caller(request).environment)
    if levelling.read(body.level) < row.level:
        raise Refused("Only a person lowers a level, signed in: others rely on it.")
    told: dict[str, Any] = {"reason": body.reason, "version": body.version}
    levelling.raise_level(number, body.level, **told, **who(request))
    return as_it_is(request, number)
