"""Hold a change request, save it, and tell of it.

The order of locks is everybody's: the ramps that the changes name, the configuration of the environment, the
request, and then what the changes themselves lock (flags).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from approvals import selectors
from approvals.domain import approving, payloads
from approvals.domain.states import LIVE, MACHINE, RequestState
from approvals.models import ChangeRequest
from core import environments, events
from core.actors import Actor
from core.asking import Change
from core.errors import Conflict, StaleVersion
from flags.services.locking import lock_configuration
from rollouts.services import locking as ramp_locking


def hold(request_id: int, *, version: int | None = None) -> ChangeRequest:
    """The locked request, with all that its changes depend on.

    Raises NotFound, StaleVersion when it was changed since `version`, and Conflict in the rare case that its
    changes were edited while we waited.
    """
    seen = selectors.get(request_id)
    lock_ground(seen.environment.key, selectors.changes_of(seen))
    found = (
        ChangeRequest.objects.select_for_update(of=("self",)).select_related("environment").filter(pk=request_id).get()
    )
    if version is not None and version != found.version:
        raise StaleVersion(f"Request {request_id}", expected=version, actual=found.version)
    if found.changes != seen.changes:
        raise Conflict(f"Request {request_id} was edited at this very moment. Look at it again.")
    return found


def lock_ground(environment: str, changes: Iterable[Change]) -> None:
    """Lock what the changes depend on, in everybody's order. Nothing of it moves until the transaction ends.

    The definition of a flag is one for all environments, so it takes all their configurations.
    """
    changes = list(changes)
    for ramp_id in sorted({change.payload["ramp"] for change in changes if "ramp" in change.payload}):
        ramp_locking.lock(ramp_id)
    everywhere = any(change.kind == "flag.definition" for change in changes)
    for key in environments.ordered().values_list("key", flat=True):
        if everywhere or key == environment:
            lock_configuration(key)


def need_live(request: ChangeRequest, verb: str, *, now: datetime) -> None:
    """Raise Conflict for a request that is decided or whose time is over."""
    if RequestState(request.state) not in LIVE:
        raise Conflict(f"Request {request.pk} is {request.state} and cannot be {verb}.")
    if now >= request.expires_at:
        raise Conflict(
            f"Request {request.pk} expired at {request.expires_at:%Y-%m-%d %H:%M %Z} and cannot be {verb}. "
            "Ask for it again."
        )


def move(request: ChangeRequest, target: RequestState) -> None:
    """Set the state along the table of moves; IllegalMove when there is none."""
    if target != request.state:
        request.state = MACHINE.move(RequestState(request.state), target).value


def close(request: ChangeRequest, target: RequestState, *, actor: Actor, reason: str, now: datetime) -> None:
    move(request, target)
    request.closed_at, request.closed_by, request.closed_reason = now, actor.name, reason
    request.waiting_for = ""


def save(
    request: ChangeRequest,
    kind: str,
    before: Mapping[str, Any],
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Store the request as its next version, with one event that tells before and after."""
    request.version = request.version + 1 if request.pk else 1
    request.save()
    events.record(
        kind,
        subject=f"request:{request.pk}",
        actor=actor,
        now=now,
        environment_id=request.environment_id,
        reason=reason,
        before=before,
        after=picture(request),
        data={
            "request": request.pk,
            "title": request.title,
            "flags": sorted({change["flag"] for change in request.changes if change["flag"]}),
            **(data or {}),
        },
    )


def picture(request: ChangeRequest) -> dict[str, Any]:
    """The request as an event tells it."""
    words = request.approvals.all() if request.pk else ()
    return {
        "state": request.state,
        "title": request.title,
        "reason": request.reason,
        "changes": [payloads.shown(change) for change in request.changes],
        "approved_by": approving.counting(words, digest=request.digest, contributors=request.contributors),
        "needed": request.needed,
        "apply_at": request.apply_at.isoformat() if request.apply_at else "",
        "zone": request.zone,
    }
