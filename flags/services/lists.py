"""The lists of npubs beside a flag's state: counted before the gate, written after it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.db import transaction

from core.actors import Actor
from core.asking import Change
from core.errors import Invalid
from flags.adapters import npubs
from flags.domain.change import MAX_NPUB_LENGTH, check_reason
from flags.domain.lists import ListEdit
from flags.domain.permit import Permit
from flags.domain.rules import ChangeKind
from flags.models import AllowedUser, DeniedUser, FlagState
from flags.services import gate
from flags.services.locking import hold, picture, store

MAX_USERS = 100_000


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the two lists. `name` begins the names of its columns."""

    name: str
    model: type[AllowedUser] | type[DeniedUser]
    noun: str


ALLOW = Kind("allow", AllowedUser, "An allow-list")
DENY = Kind("deny", DeniedUser, "A deny-list")


@dataclass(frozen=True, slots=True)
class Edit:
    """What an edit did, for the message to the operator."""

    state: FlagState
    added: int
    removed: int
    already_in: int
    not_in: int


@transaction.atomic
def edit_list(
    kind: Kind,
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
    edit = effective(kind, state, ListEdit(tuple(add), tuple(remove)))
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
    count(kind, state, edit)
    gains = bool(edit.add if kind is ALLOW else edit.remove)
    rule = ChangeKind.TARGETING if kind is DENY and gains else None
    change = Change(f"flag.{kind.name}_list", key, edit.to_dict())
    gate.admit(state, before, change, permit=permit, now=now, kind=rule, gains=gains)
    write(kind, state, edit)
    data = {"added": list(edit.add), "removed": list(edit.remove)}
    told = f"flag.{kind.name}_list_changed"
    store(state, told, before, actor=actor, reason=reason, now=now, data=data, permit=permit)
    return done


edit_allow_list = partial(edit_list, ALLOW)  # who has a feature whatever the percentage
edit_deny_list = partial(edit_list, DENY)  # who never has it, whatever else says so


def effective(kind: Kind, state: FlagState, edit: ListEdit) -> ListEdit:
    """What of the edit is not so already, each npub once, in the order given."""
    if not edit:
        return edit
    current = set(kind.model.objects.filter(state=state).values_list("npub", flat=True))
    added = tuple(npub for npub in dict.fromkeys(edit.add) if npub not in current)
    return ListEdit(added, tuple(npub for npub in dict.fromkeys(edit.remove) if npub in current))


def count(kind: Kind, state: FlagState, edit: ListEdit) -> None:
    """Set the state's count to what it will be, for the gate to see; nothing is written.

    The edit is `effective`. Raises Invalid when the list would pass 100,000 npubs.
    """
    field = f"{kind.name}_count"
    after = getattr(state, field) + len(edit.add) - len(edit.remove)
    if edit.add and after > MAX_USERS:
        raise Invalid(f"{kind.noun} holds at most {MAX_USERS:,} npubs; use a percentage instead.", field="npubs")
    setattr(state, field, after)


def write(kind: Kind, state: FlagState, edit: ListEdit) -> None:
    """Write the edit that `count` has counted; the caller saves the state, whose list version goes up by one."""
    if not edit:
        return
    table = kind.model._meta.db_table
    npubs.insert(table, state.pk, edit.add)
    npubs.delete(table, state.pk, edit.remove)
    field = f"{kind.name}_version"
    setattr(state, field, getattr(state, field) + 1)


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
