"""The clock's side of the requests: close what is over, void what changed underneath, apply what is due."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction

from approvals import selectors
from approvals.domain import approving
from approvals.domain.digest import digest
from approvals.domain.states import RequestState
from approvals.models import ChangeRequest
from approvals.services import applying
from approvals.services.locking import close, hold, move, picture, save
from core.actors import CLOCK
from core.errors import DomainError

log = logging.getLogger(__name__)


def tick(now: datetime) -> int:
    """Look at the requests, each in its own transaction; how many were applied.

    Ticks that were missed do not matter: what is due is done at the next one, as long as it has not expired. A
    request that fails is logged and does not keep the others from theirs.
    """
    done = 0
    for request_id in selectors.watched_ids(now=now):
        try:
            if _look(request_id, now=now):
                done += _apply(request_id, now=now)
        except Exception:
            log.exception("change request %s", request_id)
    return done


@transaction.atomic
def _look(request_id: int, *, now: datetime) -> bool:
    """Close it or void its approvals where that is due; True when it is to be applied now."""
    request = hold(request_id)
    if not selectors.is_live(request):
        return False
    if now >= request.expires_at:
        _expire(request, now=now)
        return False
    people = approving.counting(request.approvals.all(), digest=request.digest, contributors=request.contributors)
    stale = selectors.changed_since(request) if people else ""
    if stale:
        _void(request, stale, now=now)
        return False
    return request.state == RequestState.APPROVED and request.apply_at is not None and request.apply_at <= now


def _apply(request_id: int, *, now: datetime) -> bool:
    """Apply it; what forbids it now (a freeze, a rule) is told on the request, and tried again at the next tick."""
    try:
        applying.apply(request_id, actor=CLOCK, now=now)
    except DomainError as refusal:
        waiting = ChangeRequest.objects.filter(pk=request_id, state=RequestState.APPROVED)
        waiting.exclude(waiting_for=str(refusal)).update(waiting_for=str(refusal))
        return False
    return True


def _expire(request: ChangeRequest, *, now: datetime) -> None:
    before = picture(request)
    why = f"Nobody applied it in time. {request.waiting_for}".strip() if request.state == RequestState.APPROVED else ""
    reason = why or "It was not approved in time."
    close(request, RequestState.EXPIRED, actor=CLOCK, reason=reason, now=now)
    save(request, "request.expired", before, actor=CLOCK, reason=reason, now=now)


def _void(request: ChangeRequest, stale: str, *, now: datetime) -> None:
    """The approvals are for something that is no more: a new digest, so that none of them can ever count again."""
    before = picture(request)
    request.digest = digest({"void": request.digest, "version": request.version + 1})
    request.voided_reason, request.waiting_for = stale, ""
    move(request, RequestState.OPEN)
    voided = {"voided": before["approved_by"]}
    save(request, "request.voided", before, actor=CLOCK, reason=stale, now=now, data=voided)
