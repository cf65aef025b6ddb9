"""The allow-list: who has a feature whatever the percentage."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.asking import Change
from core.errors import Invalid
from flags.domain.change import MAX_NPUB_LENGTH, check_reason
from flags.domain.lists import ListEdit
from flags.domain.permit import Permit
from flags.models import FlagState
from flags.services import gate, lists
from flags.services.lists import ALLOW
from flags.services.locking import hold, picture, store

CHANGED = "flag.allow_list_changed"


@dataclass(frozen=True, slots=True)
class Edit:
    """What an edit did, for the message to the operator."""

    state: FlagState
    added: int
    removed: int
    already_in: int
    not_in: int


@transaction.atomic
def edit_allow_list(
    key: str,
    environment: str,
    *,
    add: Collection[str] = (),
    remove: Collection[str] = (),
    actor: Actor,
    reason: str,
    now: datetime,
    version: int | None = None,
    permit: Permit | None = None,
) -> Edit:
    """Add and remove npubs; those already in, or not in, are counted and not an error.

    Raises Invalid for an npub of more than 200 characters, for one that is both added and removed, and
    when the list would pass 100,000; ApprovalNeeded and FrozenError as the gate says.
    """
    state = hold(key, environment, version=version)
    reason = check_reason(reason, protected=state.environment.protected)
    _check(add, remove)
    edit = lists.effective(ALLOW, state, ListEdit(tuple(add), tuple(remove)))
    done = Edit(
        state,
        added=len(edit.add),
        removed=len(edit.remove),
        already_in=len(set(add)) - len(edit.add),
        not_in=len(set(remove)) - len(edit.remove),
    )
    if not edit:
        return done
    before = picture(state)
    lists.count(ALLOW, state, edit)
    change = Change("flag.allow_list", key, edit.to_dict())
    gate.admit(state, before, change, permit=permit, now=now, gains=bool(edit.add))
    lists.write(ALLOW, state, edit)
    data = {"added": list(edit.add), "removed": list(edit.remove)}
    store(state, CHANGED, before, actor=actor, reason=reason, now=now, data=data, permit=permit)
    return done


def _check(add: Collection[str], remove: Collection[str]) -> None:
    for npub in (*add, *remove):
        if not npub or len(npub) > MAX_NPUB_LENGTH or npub != npub.strip() or not npub.isprintable():
            raise Invalid(
                f"{npub[:40]!r} is no npub: 1 to {MAX_NPUB_LENGTH} characters, printable, without blanks around.",
                field="npubs",
            )
    both = set(add) & set(remove)
    if both:
        raise Invalid(f"{min(both)!r} is both added and removed.", field="npubs")

