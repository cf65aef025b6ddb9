"""The checklist: an action is done when it has happened, or when a person says so with a note."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction

from core.actors import Actor, ActorKind
from core.errors import Conflict, Invalid, NotFound
from core.texts import check_text
from incidents import selectors
from incidents.domain import causes
from incidents.domain.states import Does, Level
from incidents.models import Action, Followed, Incident
from incidents.services import paging, watching_closely
from incidents.services.locking import hold, need_live, need_open, tell

if TYPE_CHECKING:
    from core.models import Event

BY_HAND = "Say what was done, and where it can be seen."


@transaction.atomic
def mark_done(action_id: int, *, note: str, actor: Actor, now: datetime) -> Action:
    """A person did it, or did without it. What the product would do itself needs a note.

    Raises Conflict when it is done already, or the incident is over.
    """
    note = check_text(note)
    row, action = _hold(action_id)
    if action.does and not note:
        raise Invalid(BY_HAND, field="reason")
    if action.done_at is not None:
        raise Conflict(f"{action.done_by} has done this already: {action.text}.")
    _done(row, [action], note=note, event=None, actor=actor, now=now)
    return action


@transaction.atomic
def watch_closely(number: int, *, actor: Actor, now: datetime) -> list[str]:
    """Look at the flags in question as often as at the intensive level until the incident is over; their keys."""
    row = hold(number)
    need_open(row, "watched more closely")
    keys = watching_closely.begin(row, now=now)
    if not keys:
        raise Conflict(f"No flag is linked or on in {row.environment}: there is nothing to look at more often.")
    happened(row, [Does.WATCH_CLOSELY], note=f"Looked at more often: {', '.join(keys)}.", actor=actor, now=now)
    return keys


@transaction.atomic
def activate_team(number: int, *, actor: Actor, now: datetime) -> Incident:
    """Call people by the chain of the critical level. Raises Conflict when that level has none."""
    row = hold(number)
    need_open(row, "escalated")
    chain = selectors.policies()[Level.CRITICAL].chain
    if not chain:
        raise Conflict(
            "Level 3 has no escalation chain: name one in the playbook, or call people and tick this by hand."
        )
    if not paging.start(row, chain, actor=actor, now=now):
        raise Conflict(f"Nobody can be called by the chain {chain}. Call people, and tick this by hand.")
    happened(row, [Does.ACTIVATE_TEAM], note=f"Called by the chain {chain}.", actor=actor, now=now)
    return row


def happened(
    row: Incident,
    does: Collection[Does],
    *,
    note: str,
    actor: Actor,
    now: datetime,
    event: Event | None = None,
) -> None:
    """Tick what is not ticked yet of the actions that this does; a part of the caller's change of a locked incident."""
    wanted = [each.value for each in does]
    found = list(row.actions.filter(does__in=wanted, done_at=None))
    if found:
        _done(row, found, note=note, event=event, actor=actor, now=now)


def catch_up(row: Incident, *, now: datetime) -> None:
    """Tick what a list that was just added asks for and had happened before, as the incident knows it."""
    known = Followed.objects.filter(incident=row, event__kind__in=causes.TICKS).select_related("event")
    for followed in known.order_by("event_id"):
        of_event(row, followed.event, now=now)


def of_event(row: Incident, event: Event, *, now: datetime) -> None:
    """What happened is done, by whoever did it."""
    does: tuple[Does, ...] = causes.TICKS.get(event.kind, ())
    by = Actor(event.actor, ActorKind(event.actor_kind))
    happened(row, does, note=event.reason[:300], event=event, actor=by, now=now)


def _hold(action_id: int) -> tuple[Incident, Action]:
    number = Action.objects.filter(pk=action_id).values_list("incident_id", flat=True).first()
    if number is None:
        raise NotFound(f"There is no action {action_id}.")
    row = hold(number)
    need_live(row, "worked on")
    return row, Action.objects.get(pk=action_id)


def _done(
    row: Incident, actions: Sequence[Action], *, note: str, event: Event | None, actor: Actor, now: datetime
) -> None:
    """Tick them, with one event for all."""
    for action in actions:
        action.done_at, action.done_by, action.note, action.event = now, actor.name, note, event
        action.save()
    names = [action.text for action in actions]
    why = f"{'; '.join(dict.fromkeys(names))}{f': {note}' if note else ''}"
    data = {"actions": names, "does": sorted({action.does for action in actions if action.does})}
    tell(row, "action_done", actor=actor, reason=why, now=now, data=data)
