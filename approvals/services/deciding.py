"""Other people's word: approve, reject; and the requester's way back: withdraw."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from approvals import selectors
from approvals.domain import approving
from approvals.domain.states import RequestState
from approvals.models import Approval, ChangeRequest
from approvals.services.locking import close, hold, move, need_live, picture, save
from core import events
from core.actors import Actor, ActorKind
from core.errors import Conflict, Refused
from core.texts import check_text, need_reason

LAID = ("request.edited", "request.rescheduled", "request.refreshed", "request.voided")


@transaction.atomic
def approve(request_id: int, *, digest: str, comment: str = "", actor: Actor, now: datetime) -> ChangeRequest:
    """One person's word for what the request asks now.

    Args:
        digest: of what the person looked at.

    Raises:
        Refused: the actor is no person, asked for it, or edited it.
        Conflict: the request or something underneath has changed since the person looked, the person has approved
            it already, it is decided, or its time is over.
    """
    request = hold(request_id)
    why_not = approving.not_allowed(actor, request.contributors)
    if why_not:
        raise Refused(why_not)
    need_live(request, "approved", now=now)
    _check_seen(request, digest)
    if request.approvals.filter(approver=actor.name, digest=digest).exists():
        raise Conflict(f"{actor.name} has approved request {request_id} already; it takes other people.")
    before = picture(request)
    comment = check_text(comment, field="comment")
    Approval.objects.create(request=request, approver=actor.name, digest=digest, at=now, comment=comment)
    people = approving.counting(request.approvals.all(), digest=digest, contributors=request.contributors)
    if len(people) >= request.needed:
        move(request, RequestState.APPROVED)
    save(request, "request.approved", before, actor=actor, reason=comment, now=now, data={"digest": digest})
    return request


@transaction.atomic
def reject(request_id: int, *, reason: str, actor: Actor, now: datetime) -> ChangeRequest:
    """Decide against it, for good. Only a person does; Refused otherwise."""
    request = hold(request_id)
    if actor.kind is not ActorKind.PERSON:
        raise Refused(f"Only a person rejects, signed in; {actor.name} is a {actor.kind.value}.")
    reason = need_reason(reason, "Say why: whoever asked has to know.")
    return _close(request, RequestState.REJECTED, "rejected", reason, actor=actor, now=now)


@transaction.atomic
def withdraw(request_id: int, *, reason: str, actor: Actor, now: datetime) -> ChangeRequest:
    """Take the request back; only those who asked for it or edited it may. Refused otherwise."""
    request = hold(request_id)
    if actor.name not in request.contributors:
        people = ", ".join(request.contributors)
        raise Refused(f"Only those who asked for it or edited it can withdraw it ({people}); an approver rejects it.")
    return _close(request, RequestState.WITHDRAWN, "withdrawn", check_text(reason), actor=actor, now=now)


def _close(
    request: ChangeRequest, target: RequestState, verb: str, reason: str, *, actor: Actor, now: datetime
) -> ChangeRequest:
    need_live(request, verb, now=now)
    before = picture(request)
    close(request, target, actor=actor, reason=reason, now=now)
    save(request, f"request.{verb}", before, actor=actor, reason=reason, now=now)
    return request


def _check_seen(request: ChangeRequest, seen: str) -> None:
    if seen != request.digest:
        laid = events.about(f"request:{request.pk}").filter(kind__in=LAID).first()
        what = f": {laid.kind.partition('.')[2]} by {laid.actor} at {laid.at:%Y-%m-%d %H:%M %Z}" if laid else ""
        raise Conflict(f"Request {request.pk} is not what you looked at any more{what}. Look at it again, then decide.")
    stale = selectors.changed_since(request)
    if stale:
        raise Conflict(f"{stale} Refresh the request to lay it on what there is now, look at it, then decide.")
