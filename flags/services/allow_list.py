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
from flags.domain.permit import Permit
from flags.models import AllowedUser, FlagState
from flags.services import gate
from flags.services.locking import hold, picture, store

MAX_USERS = 100_000
_BATCH = 5_000


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
    current = set(AllowedUser.objects.filter(state=state).values_list("npub", flat=True))
    added = [npub for npub in dict.fromkeys(add) if npub not in current]
    removed = [npub for npub in dict.fromkeys(remove) if npub in current]
    done = Edit(state, len(added), len(removed), len(set(add)) - len(added), len(set(remove)) - len(removed))
    if not added and not removed:
        return done
    before = picture(state)
    state.allow_count += len(added) - len(removed)
    data = {"added": added, "removed": removed}
    change = Change("flag.allow_list", key, {"add": added, "remove": removed})
    gate.admit(state, before, change, permit=permit, now=now)
    _store(state, added, removed)
    store(
        state,
        "flag.allow_list_changed",
        before,
        actor=actor,
        reason=reason,
        now=now,
        data=data,
        permit=permit,
    )
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


def _store(state: FlagState, added: list[str], removed: list[str]) -> None:
    if state.allow_count > MAX_USERS:
        raise Invalid(f"An allow-list holds at most {MAX_USERS:,} npubs; use a percentage instead.", field="npubs")
    AllowedUser.objects.bulk_create((AllowedUser(state=state, npub=npub) for npub in added), batch_size=_BATCH)
    for start in range(0, len(removed), _BATCH):
        AllowedUser.objects.filter(state=state, npub__in=removed[start : start + _BATCH]).delete()
    state.allow_version += 1
