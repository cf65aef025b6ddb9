"""The lists of npubs beside a flag's state: counted before the gate, written after it."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import Invalid
from flags.domain.lists import ListEdit
from flags.models import AllowedUser, DeniedUser, FlagState

MAX_USERS = 100_000
_BATCH = 5_000


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the two lists. `name` begins the names of its columns."""

    name: str
    model: type[AllowedUser] | type[DeniedUser]
    noun: str


ALLOW = Kind("allow", AllowedUser, "An allow-list")
DENY = Kind("deny", DeniedUser, "A deny-list")


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
    rows = (kind.model(state=state, npub=npub) for npub in edit.add)
    kind.model.objects.bulk_create(rows, batch_size=_BATCH)  # type: ignore[arg-type]
    for start in range(0, len(edit.remove), _BATCH):
        kind.model.objects.filter(state=state, npub__in=edit.remove[start : start + _BATCH]).delete()
    field = f"{kind.name}_version"
    setattr(state, field, getattr(state, field) + 1)
