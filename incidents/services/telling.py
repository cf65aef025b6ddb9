"""What people say while it lasts: updates for audiences, notes for each other, and facts that stay on top."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.errors import Conflict, Invalid, NotFound
from core.texts import need_text
from incidents.domain import telling
from incidents.models import Incident
from incidents.services import acting
from incidents.services.locking import hold, need_live, picture, save, tell

MOST_NOTE = 5_000
MOST_FACTS = 20
LONGEST_FACT = 500


@transaction.atomic
def update(
    number: int,
    text: str,
    *,
    texts: Mapping[str, str] | None = None,
    components: Sequence[str] | None = None,
    actor: Actor,
    now: datetime,
) -> Incident:
    """Tell people how it stands.

    Args:
        texts: an audience's own text; those outside are told nothing but their own.
        components: those that are affected from now on; None: as before.
    """
    told = telling.texts(text, texts or {})
    row = hold(number)
    need_live(row, "told of")
    before = picture(row)
    if components is not None:
        row.components = telling.components(components)
    main = text.strip() or next(iter(told.values()))
    event = save(
        row, "updated", before, actor=actor, reason=main, now=now, data={"texts": told, "audiences": list(told)}
    )
    does = [each for audience, each in telling.TICKS.items() if audience in told]
    acting.happened(row, does, note="By an update.", event=event, actor=actor, now=now)
    return row


@transaction.atomic
def note(number: int, text: str, *, pin: bool = False, actor: Actor, now: datetime) -> Incident:
    """Write something down in the timeline, and pin it on top where that is wanted."""
    text = need_text(text, "Write a note.", field="text", longest=MOST_NOTE)
    row = hold(number)
    need_live(row, "written to")
    if pin:
        _pin(row, text, actor=actor, now=now)
    tell(row, "note", actor=actor, reason=text, now=now, data={"pinned": pin})
    return row


@transaction.atomic
def unpin(number: int, text: str, *, actor: Actor, now: datetime) -> Incident:
    """Take a fact from the top; it stays in the timeline. Raises NotFound for one that is not pinned."""
    row = hold(number)
    need_live(row, "changed")
    left = [fact for fact in row.facts if fact["text"] != text]
    if len(left) == len(row.facts):
        raise NotFound("This is not pinned any more.")
    before, row.facts = picture(row), left
    save(row, "unpinned", before, actor=actor, reason=text, now=now)
    return row


def _pin(row: Incident, text: str, *, actor: Actor, now: datetime) -> None:
    if len(text) > LONGEST_FACT:
        raise Invalid(f"What is pinned has at most {LONGEST_FACT} characters.", field="text")
    if len(row.facts) >= MOST_FACTS:
        raise Conflict(f"{MOST_FACTS} facts are pinned already: take one from the top first.")
    if any(fact["text"] == text for fact in row.facts):
        raise Conflict("This is pinned already.")
    row.facts = [*row.facts, {"text": text, "by": actor.name, "at": now.isoformat()}]
    row.version += 1
    row.save(update_fields=["facts", "version"])
