"""An approved request is done, all or nothing, once; and taken back in one step."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction

from approvals import selectors
from approvals.domain import approving, schedule
from approvals.domain.states import RequestState
from approvals.models import ChangeRequest
from approvals.services.doing import do_or_ask
from approvals.services.inverting import as_changes
from approvals.services.locking import hold, move, need_live, picture, save
from approvals.services.performing import By, perform
from core import events
from core.actors import Actor
from core.errors import Conflict
from core.people import no_longer
from core.texts import need_reason
from flags.domain.permit import Permit

if TYPE_CHECKING:
    from core.models import Event

APPLIED = "request.applied"


@transaction.atomic
def apply(request_id: int, *, actor: Actor, now: datetime) -> ChangeRequest:
    """Do everything the request asks for, or nothing of it.

    Raises:
        Conflict: it is not approved, decided already, expired, scheduled for later, or something underneath has
            changed; or the rules ask for more approvals by now than it has.
        FrozenError: a freeze holds.
        DomainError: what a service refuses by now.
    """
    request = hold(request_id)
    people = _need_ready(request, now=now)
    before = picture(request)
    permit = Permit("request", request.pk)
    with events.collecting() as told:
        by = By(actor, request.reason, now, permit)
        perform(request.environment.key, selectors.changes_of(request), by)
    terms = approving.terms(permit.needs)
    if len(people) < terms.needed:
        why = " ".join(terms.why)
        raise Conflict(f"By now this takes {terms.needed} approvals, and it has {len(people)}: {why} Refresh it.")
    move(request, RequestState.APPLIED)
    request.applied_at, request.waiting_for, request.voided_reason = now, "", ""
    done = {"events": [event.pk for event in told], "approved_by": people}
    save(request, APPLIED, before, actor=actor, reason=request.reason, now=now, data=done)
    return request


@transaction.atomic
def revert(request_id: int, *, reason: str, actor: Actor, now: datetime) -> ChangeRequest | None:
    """Take back what an applied request did: all of it or nothing, and only the fields that it changed.

    Returns None when it was done at once, because no rule asks for approval; otherwise the new request for it.
    Raises Conflict, which names field, event and person, when somebody has changed one of the fields since.
    """
    request = hold(request_id)
    if request.state != RequestState.APPLIED:
        raise Conflict(f"Request {request_id} is {request.state}: only an applied one can be reverted.")
    reason = need_reason(reason, "Say why it is taken back.")
    applied = events.about(f"request:{request_id}").filter(kind=APPLIED).first()
    done = [] if applied is None else list(events.recent().filter(pk__in=applied.data["events"]).order_by("id"))
    return _take_back(request, done, reason, actor=actor, now=now)


def _take_back(
    request: ChangeRequest, done: Sequence[Event], reason: str, *, actor: Actor, now: datetime
) -> ChangeRequest | None:
    where = request.environment.key
    changes = as_changes(where, done)
    title = f"Revert request {request.pk}: {request.title}"[:200]
    asked = do_or_ask(where, changes, title=title, reason=reason, actor=actor, now=now, reverts=request.pk)
    if asked is None:
        before = picture(request)
        save(request, "request.reverted", before, actor=actor, reason=reason, now=now)
    return asked


def _need_ready(request: ChangeRequest, *, now: datetime) -> list[str]:
    """The people whose approval counts; Conflict when the request cannot be applied now."""
    need_live(request, "applied", now=now)
    if request.apply_at is not None and now < request.apply_at:
        when = schedule.told(request.apply_at, request.zone)
        raise Conflict(f"Request {request.pk} was approved for {when}. Reschedule it to apply it sooner.")
    stale = selectors.changed_since(request)
    if stale:
        raise Conflict(f"{stale} The approvals are void: refresh the request, and have it approved again.")
    words = request.approvals.all()
    people = approving.counting(words, digest=request.digest, contributors=request.contributors)
    lost = no_longer(people, "approvals.approve_change")
    people = [person for person in people if person not in lost]
    if lost and len(people) < request.needed:
        raise Conflict(f"{', '.join(lost)} may not approve any more: request {request.pk} takes somebody else's word.")
    if request.state != RequestState.APPROVED or len(people) < request.needed:
        raise Conflict(f"Request {request.pk} has {len(people)} of the {request.needed} approvals that it needs.")
    return people
