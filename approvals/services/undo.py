"""One change of the history is taken back, as a new change under the same rules."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from approvals.models import ChangeRequest
from approvals.services.doing import do_or_ask
from approvals.services.inverting import as_changes
from approvals.services.locking import lock_ground
from core import events
from core.actors import Actor
from core.asking import Change
from core.errors import NotFound
from core.texts import need_reason


@transaction.atomic
def undo(event_id: int, *, actor: Actor, reason: str, now: datetime) -> ChangeRequest | None:
    """Set the fields that this event changed to what they were before it.

    Returns None when it was done at once, because no rule asks for approval; otherwise the new request for it.

    Raises:
        Conflict: one of these fields has been changed since; it names field, event and person.
        Invalid: the event is nothing that can be taken back, or no reason is given.
    """
    environment, changes = preview(event_id)
    why = need_reason(reason, "Say why it is taken back.")
    told = f"Undo of event {event_id}: {why}"
    return do_or_ask(environment, changes, title=f"Undo event {event_id}", reason=told, actor=actor, now=now)


def preview(event_id: int) -> tuple[str, list[Change]]:
    """The environment and the changes of an undo; raises as `undo` does. In a transaction it holds the locks."""
    event = events.recent().filter(pk=event_id).first()
    if event is None:
        raise NotFound(f"There is no event {event_id}.")
    key = event.environment.key if event.environment else ""
    changes = as_changes(key, [event])
    lock_ground(key, changes)
    return key, as_changes(key, [event])
