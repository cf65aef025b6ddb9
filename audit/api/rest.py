"""The audit over `/api/v1/audit`: events, the seals and how the last verification ended, and legal holds. Only read.

A token sees the events of its environment and those of the flags' definitions; of people and tokens it sees none.
Heads are those of all chains: they tell nothing of an event, and are of use where they are all kept.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import Field

from audit import selectors
from audit.models import Hold, Verification
from core import events
from core.errors import Invalid, NotFound
from flags.api.auth import caller, token_auth
from flags.api.paging import MOST, Page, cut
from flags.api.times import Moment
from flags.services.tokens import Scope

router = Router(tags=["audit"], auth=token_auth(Scope.OPERATE))
NOT_SHOWN = Q(subject__startswith="person:") | Q(subject__startswith="token:")


class EventsWanted(Schema):
    """What is left out does not matter. Each is compared exactly."""

    actor: str = Field("", description="Who: a user name, a token's name, `clock`, …")
    kind: str = Field("", description="What happened, such as flag.enabled.")
    subject: str = Field("", description="About what, such as flag:atomicMeltOperations.")
    environment: str | None = Field(
        None, description="The one of the token; empty: those of no environment. Left out: both."
    )
    since: Moment | None = Field(None, description="From this time on.")
    until: Moment | None = Field(None, description="Before this time.")
    limit: int = Field(100, ge=1, le=MOST, description="How many at a time.")
    before: int | None = Field(None, ge=1, le=2**63 - 1, description="Older ones than this id.")


class EventOut(Schema):
    """`environment` is empty for one that belongs to none."""

    id: int
    at: datetime
    kind: str
    subject: str
    environment: str
    actor: str
    actor_kind: str
    reason: str
    before: dict[str, Any]
    after: dict[str, Any]
    data: dict[str, Any]


class HeadOut(Schema):
    """The last seal of a chain, as `manage.py audit head --json` tells it and `--head` takes it."""

    chain: str = Field(description="The environment; empty: the events of none.")
    number: int
    digest: str
    sealedAt: str  # noqa: N815 -- as `--head` takes it
    signature: str
    key: str


class VerificationOut(Schema):
    """`findings` are those in the chains that the token may see; `wrong` counts all."""

    number: int
    state: str = Field(description="asked, running, sound or broken.")
    asked_at: datetime
    asked_by: str
    finished_at: datetime | None
    seals: int
    events: int
    forgotten: int
    waiting: int
    wrong: int
    findings: list[dict[str, Any]]


class SealsOut(Schema):
    """`cursor`: up to which event all is sealed. `lag`: for how many seconds the oldest of those that wait has."""

    cursor: int
    waiting: int
    lag: float
    behind: bool
    ran_at: datetime | None
    key: str = Field(description="The public key that signs heads; empty: they are not signed.")
    heads: list[HeadOut]
    verification: VerificationOut | None = Field(description="The last one that came to its end.")


class HoldOut(Schema):
    """Held is what fits all that is given. In force: `released_at` is null."""

    number: int
    title: str
    reason: str
    subject: str
    environment: str
    since: datetime | None
    until: datetime | None
    held_at: datetime
    held_by: str
    released_at: datetime | None
    released_by: str
    release_reason: str


@router.get("/audit/events", response=list[EventOut], summary="The event log, newest first")
def listed(request: HttpRequest, response: HttpResponse, wanted: Query[EventsWanted]) -> list[dict[str, Any]]:
    """`Link` leads to the next ones. They are not counted, and have no numbers of pages: the log grows at this end."""
    found = _events(caller(request).environment, wanted)
    rows = list((found if wanted.before is None else found.filter(pk__lt=wanted.before))[: wanted.limit + 1])
    if len(rows) > wanted.limit:
        query = urlencode({**request.GET.dict(), "before": rows[wanted.limit - 1].pk})
        response["Link"] = f'<{request.build_absolute_uri(request.path)}?{query}>; rel="next"'
    return [_event(row) for row in rows[: wanted.limit]]


@router.get(
    "/audit/seals", response=SealsOut, summary="Up to where the log is sealed, its heads, and the last verification"
)
def seals(request: HttpRequest) -> dict[str, Any]:
    state = selectors.sealing(now=timezone.now())
    last = selectors.verified().first()
    return {
        **state.to_dict(),
        "behind": state.behind,
        "heads": [head.to_dict() for head in selectors.heads()],
        "verification": last and _verification(last, caller(request).environment),
    }


@router.get("/audit/holds", response=list[HoldOut], summary="Legal holds, newest first, also released ones")
def holds(request: HttpRequest, response: HttpResponse, wanted: Query[Page]) -> list[dict[str, Any]]:
    """Those of the environment, and those of every one; none that is about a person or a token."""
    own = Q(environment__key=caller(request).environment) | Q(environment=None)
    found = selectors.holds().filter(own).exclude(NOT_SHOWN)
    return [_hold(row) for row in cut(request, response, found, wanted)]


def _events(environment: str, wanted: EventsWanted) -> QuerySet[Any]:
    if wanted.environment not in (None, "", environment):
        raise NotFound(f"This token sees the events of {environment}, not those of {wanted.environment!r}.")
    if wanted.since and wanted.until and wanted.since >= wanted.until:
        raise Invalid("The time ends before it begins.", field="until")
    here, of_all = Q(environment__key=environment), Q(environment=None, subject__startswith="flag:")
    places = {None: here | of_all, "": of_all}.get(wanted.environment, here)
    exactly = {"actor": wanted.actor, "kind": wanted.kind, "subject": wanted.subject}
    times = {"at__gte": wanted.since, "at__lt": wanted.until}
    asked = {name: value for name, value in {**exactly, **times}.items() if value}
    return events.recent().filter(places, **asked)


def _event(row: Any) -> dict[str, Any]:
    names = ("id", "at", "kind", "subject", "actor", "actor_kind", "reason", "before", "after", "data")
    told = {name: getattr(row, name) for name in names}
    return {**told, "environment": row.environment.key if row.environment else ""}


def _verification(row: Verification, environment: str) -> dict[str, Any]:
    names = ("state", "asked_at", "asked_by", "finished_at", "seals", "events", "forgotten", "waiting", "wrong")
    findings = [each for each in row.findings if each["chain"] in (environment, "")]
    return {"number": row.pk, **{name: getattr(row, name) for name in names}, "findings": findings}


def _hold(row: Hold) -> dict[str, Any]:
    names = ("title", "reason", "subject", "since", "until", "held_at", "held_by")
    released = ("released_at", "released_by", "release_reason")
    told = {name: getattr(row, name) for name in (*names, *released)}
    return {"number": row.pk, **told, "environment": row.environment.key if row.environment else ""}
