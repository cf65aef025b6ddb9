"""Feedback: taken in once, and what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

import flags.selectors
from core import environments, events
from core.actors import Actor
from core.errors import Invalid
from core.texts import check_text, need_reason
from improvement.domain.feedback import MACHINE, NEEDS_REASON, Given, State, checked, read_tags
from improvement.models import Feedback
from improvement.services.locking import hold


@dataclass(frozen=True, slots=True)
class Received:
    """The feedback as it is kept. A duplicate was kept before, under the same key."""

    feedback: Feedback
    duplicate: bool


@transaction.atomic
def receive(
    environment: str,
    given: Given,
    *,
    actor: Actor,
    now: datetime,
    state: State = State.NEW,
    survey_id: int | None = None,
) -> Received:
    """Keep it. What comes a second time under its key in this environment changes nothing.

    Its event has no text: it goes to whoever reads or exports the history.
    Raises Invalid with the field, NotFound for an unknown environment.
    """
    kept, where = checked(given), environments.get(environment)
    if kept.flag:
        flags.selectors.check_known(kept.flag, environment)
    values = {
        "kind": kept.kind,
        "aspect": kept.aspect,
        "text": kept.text,
        "rating": kept.rating,
        "flag_key": kept.flag,
        "at": now,
        "given_by": actor.name,
        "state": state.value,
        "survey_id": survey_id,
    }
    if kept.key:
        row, fresh = Feedback.objects.get_or_create(environment=where, key=kept.key, defaults=values)
    else:
        row, fresh = Feedback.objects.create(environment=where, **values), True
    if fresh:
        data = {"kind": row.kind, "aspect": row.aspect, "rating": row.rating, "flag": row.flag_key}
        _tell("feedback.received", row, actor, now, data=data)
    return Received(row, duplicate=not fresh)


@transaction.atomic
def settle(
    feedback_id: int,
    state: State,
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    version: int | None = None,
    duplicate_of: int | None = None,
) -> Feedback:
    """Say what becomes of it.

    Args:
        reason: needed to decline it and to call it a duplicate.
        duplicate_of: of a duplicate, the one that says the same; not itself, and not a duplicate too.

    Raises IllegalMove, Invalid with the field, NotFound, StaleVersion.
    """
    _lock(feedback_id, duplicate_of)
    row = hold(Feedback, "piece of feedback", version=version, pk=feedback_id)
    before, moved = row.state, MACHINE.move(State(row.state), state)
    reason = need_reason(reason) if state in NEEDS_REASON else check_text(reason)
    row.duplicate_of = _first(row, duplicate_of) if state is State.DUPLICATE else None
    row.state, row.version = moved.value, row.version + 1
    row.save(update_fields=["state", "duplicate_of", "version"])
    after = {"state": row.state} | ({"duplicate_of": row.duplicate_of_id} if row.duplicate_of_id else {})
    _tell("feedback.settled", row, actor, now, reason=reason, before={"state": before}, after=after)
    return row


@transaction.atomic
def tag(feedback_id: int, tags: Sequence[str], *, actor: Actor, now: datetime, version: int | None = None) -> Feedback:
    """Give it exactly these tags; nothing is written when it has them. Raises Invalid, NotFound, StaleVersion."""
    row = hold(Feedback, "piece of feedback", version=version, pk=feedback_id)
    before, wanted = row.tags, read_tags(tags)
    if wanted != before:
        row.tags, row.version = wanted, row.version + 1
        row.save(update_fields=["tags", "version"])
        _tell("feedback.tagged", row, actor, now, before={"tags": before}, after={"tags": wanted})
    return row


def _lock(*ids: int | None) -> None:
    """Both in one order: of two people who call each the duplicate of the other, one is refused."""
    list(Feedback.objects.select_for_update(of=("self",)).filter(pk__in=[pk for pk in ids if pk]).order_by("pk"))


def _first(row: Feedback, of: int | None) -> Feedback:
    found = Feedback.objects.filter(pk=of, environment=row.environment_id).first() if of else None
    if found is None or found.pk == row.pk:
        raise Invalid("Say which other piece of feedback of this environment it repeats.", field="duplicate_of")
    if found.duplicate_of_id:
        raise Invalid(f"That one repeats {found.duplicate_of_id}: name that.", field="duplicate_of")
    if row.duplicates.exists():
        raise Invalid("Others are duplicates of this one. Name it the first instead.", field="duplicate_of")
    return found


def _tell(kind: str, row: Feedback, actor: Actor, now: datetime, **told: object) -> None:
    where = {"subject": f"feedback:{row.pk}", "environment_id": row.environment_id}
    events.record(kind, actor=actor, now=now, **where, **told)  # type: ignore[arg-type]
