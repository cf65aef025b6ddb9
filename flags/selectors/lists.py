"""The lists of npubs beside a flag's state."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from flags.models import AllowedUser, DeniedUser

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from flags.models.flag import ListedUser

MODELS: dict[str, type[AllowedUser] | type[DeniedUser]] = {"allow": AllowedUser, "deny": DeniedUser}


def npubs(kind: str, state_id: int, *, search: str = "") -> QuerySet[ListedUser]:
    """The list in the order in which it was filled. `kind` is allow or deny, `search` any part of an npub."""
    found = MODELS[kind]._default_manager.filter(state_id=state_id).order_by("id")
    return found.filter(npub__icontains=search) if search else found


def count_of(kind: str, state_id: int, wanted: Collection[str]) -> int:
    """How many of these npubs are on the list. One query."""
    return len(set(wanted).intersection(npubs(kind, state_id).values_list("npub", flat=True)))
