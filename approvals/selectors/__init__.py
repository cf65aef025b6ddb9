"""Reads of the change requests: which there are, whether approvals still count, and what else is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from approvals.domain import approving, payloads, schedule
from approvals.domain.states import LIVE, RequestState
from approvals.models import Approval, ChangeRequest
from approvals.selectors import ground
from core.asking import Change
from core.errors import NotFound

LONG = ("changes", "base")  # may be megabytes: lists of requests leave them in the database


@dataclass(frozen=True, slots=True)
class Standing:
    """How a request stands now.

    `counting` are the approvals that count, `void` those that do not any more. `stale` names what has changed
    underneath: then none counts until the request is refreshed. `when` tells when it is applied; empty: by hand.
    """

    counting: tuple[Approval, ...]
    void: tuple[Approval, ...]
    needed: int
    stale: str
    expired: bool
    when: str

    @property
    def missing(self) -> int:
        """How many people still have to approve."""
        return max(0, self.needed - len(self.counting))

    @property
    def approved(self) -> bool:
        return not self.missing and not self.stale and not self.expired


@dataclass(frozen=True, slots=True)
class Clash:
    """Another live request that touches the same things; applying one of the two voids the other."""

    request: ChangeRequest
    subjects: tuple[str, ...]


def requests() -> QuerySet[ChangeRequest]:
    """All requests, newest first, with their environment; approvals and flags in one query each."""
    found = ChangeRequest.objects.select_related("environment").prefetch_related("approvals", "flags")
    return found.order_by("-id")


def listed(
    *,
    environment: str | None = None,
    state: RequestState | None = None,
    flag: str | None = None,
) -> QuerySet[ChangeRequest]:
    """Requests that fit, newest first."""
    found = requests()
    if environment is not None:
        found = found.filter(environment__key=environment)
    if state is not None:
        found = found.filter(state=state)
    if flag is not None:
        found = found.filter(flags__key=flag)
    return found


def get(request_id: int, *, environment: str | None = None) -> ChangeRequest:
    """One request, or NotFound; also when it is in another environment than the one that is asked for."""
    found = requests().filter(pk=request_id).first()
    if found is None or environment not in (None, found.environment.key):
        raise NotFound(f"There is no change request {request_id}{f' in {environment}' if environment else ''}.")
    return found


def twin(environment: str, changes: Sequence[Change]) -> int | None:
    """The number of a live request for exactly these changes, so that nobody asks twice; None when there is none."""
    asked = [change.to_dict() for change in payloads.check(changes)]
    live = ChangeRequest.objects.filter(environment__key=environment, state__in=LIVE).order_by("id")
    return next((number for number, stored in live.values_list("pk", "changes") if stored == asked), None)


def watched_ids(*, now: datetime) -> list[int]:
    """The live requests at which the clock has something to look: over, approved, or with an approval to lose."""
    live = ChangeRequest.objects.filter(state__in=LIVE)
    approved = Q(state=RequestState.APPROVED) | Q(approvals__digest=F("digest"))
    found = live.filter(approved | Q(expires_at__lte=now)).order_by("id").distinct()
    return list(found.values_list("pk", flat=True))


def changes_of(request: ChangeRequest) -> tuple[Change, ...]:
    return tuple(Change(**change) for change in request.changes)


def is_live(request: ChangeRequest) -> bool:
    return RequestState(request.state) in LIVE


def changed_since(request: ChangeRequest) -> str:
    """What has changed underneath a live request, in a sentence; empty when nothing has, or it is decided."""
    return ground.changed_since(request, changes_of(request)) if is_live(request) else ""


def standing(request: ChangeRequest, now: datetime) -> Standing:
    """How the request stands: up to six queries."""
    stale = changed_since(request)
    words = list(request.approvals.all())
    people = approving.counting(words, digest=request.digest, contributors=request.contributors)
    counts = [word for word in words if word.digest == request.digest and word.approver in people and not stale]
    return Standing(
        counting=tuple(counts),
        void=tuple(word for word in words if word not in counts),
        needed=request.needed,
        stale=stale,
        expired=is_live(request) and now >= request.expires_at,
        when=schedule.told(request.apply_at, request.zone) if request.apply_at else "",
    )


def conflicts(request: ChangeRequest) -> list[Clash]:
    """The other live requests of the environment that touch what this one touches, oldest first: 3 queries."""
    others = requests().filter(environment=request.environment_id, state__in=LIVE).exclude(pk=request.pk)
    found = ((other, sorted(set(other.base) & set(request.base))) for other in others.order_by("id"))
    return [Clash(other, tuple(subjects)) for other, subjects in found if subjects]


def undecided(person: str, *, now: datetime) -> QuerySet[ChangeRequest, list[str]]:
    """Who contributed to each request that this person could approve now, unless it is they."""
    said = Approval.objects.filter(request=OuterRef("pk"), digest=OuterRef("digest"), approver=person)
    asked = ChangeRequest.objects.filter(~Exists(said), state=RequestState.OPEN, expires_at__gt=now)
    return asked.values_list("contributors", flat=True)


def count_waiting(person: str, *, now: datetime) -> int:
    """How many requests `waiting` has: one query."""
    return sum(person not in contributors for contributors in undecided(person, now=now))


def waiting(person: str, *, now: datetime) -> list[ChangeRequest]:
    """The requests that this person could approve now, oldest first: 3 queries."""
    asked = requests().defer(*LONG).filter(state=RequestState.OPEN, expires_at__gt=now).order_by("id")
    return [request for request in asked if _waits_for(request, person)]


def for_person(person: str, *, now: datetime) -> QuerySet[ChangeRequest]:
    """The open requests on which this person has not said a word, and their approved ones that no clock applies.

    Oldest first, without what may be long. Open ones to which they contributed are among them.
    """
    said = Approval.objects.filter(request=OuterRef("pk"), digest=OuterRef("digest"), approver=person)
    mine = Q(state=RequestState.APPROVED, apply_at=None, requested_by=person)
    found = ChangeRequest.objects.select_related("environment").defer(*LONG)
    return found.filter(Q(~Exists(said), state=RequestState.OPEN) | mine, expires_at__gt=now).order_by("id")


def scheduled(*, now: datetime) -> QuerySet[ChangeRequest]:
    """The approved requests that the clock applies, the next one first, with their environment."""
    found = ChangeRequest.objects.select_related("environment").defer(*LONG)
    ready = found.filter(state=RequestState.APPROVED, apply_at__isnull=False, expires_at__gt=now)
    return ready.order_by("apply_at", "id")


def _waits_for(request: ChangeRequest, person: str) -> bool:
    said = {word.approver for word in request.approvals.all() if word.digest == request.digest}
    return person not in said and person not in request.contributors
