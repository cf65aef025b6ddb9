"""What differs between two environments, for all flags at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, Exists, OuterRef

import flags.selectors
from core.changes import Difference, differences
from flags.domain.lists import NO_EDIT, ListEdit
from flags.domain.promotion import configuration
from flags.models import AllowedUser, DeniedUser

if TYPE_CHECKING:
    from flags.models import FlagState

Listed = type[AllowedUser] | type[DeniedUser]


@dataclass(frozen=True, slots=True)
class ListGap:
    """How many npubs are on the list of one side alone."""

    left_only: int = 0
    right_only: int = 0

    def __bool__(self) -> bool:
        return bool(self.left_only or self.right_only)


@dataclass(frozen=True, slots=True)
class Compared:
    """One flag in two environments. `fields` holds the left value as `before`, the right one as `after`."""

    left: FlagState
    right: FlagState
    fields: list[Difference]
    allow: ListGap
    deny: ListGap

    @property
    def differs(self) -> bool:
        return bool(self.fields or self.allow or self.deny)


def compare(left: str, right: str) -> list[Compared]:
    """Every flag that has a state in both environments, by key: 2 queries, and one for each kind of list in use.

    The lists are compared in the database: no npub is read.
    """
    others = {state.flag_id: state for state in flags.selectors.states(right)}
    pairs = [(state, others[state.flag_id]) for state in flags.selectors.states(left) if state.flag_id in others]
    allowed = _left_only(AllowedUser, right, (a.pk for a, b in pairs if a.allow_count and b.allow_count))
    denied = _left_only(DeniedUser, right, (a.pk for a, b in pairs if a.deny_count and b.deny_count))
    return [
        Compared(
            left=a,
            right=b,
            fields=differences(configuration(a), configuration(b)),
            allow=_gap(a.allow_count, b.allow_count, allowed.get(a.pk, 0)),
            deny=_gap(a.deny_count, b.deny_count, denied.get(a.pk, 0)),
        )
        for a, b in pairs
    ]


def list_edit(model: Listed, source: FlagState, target: FlagState) -> ListEdit:
    """What makes the target's list the source's, in the order in which the npubs came."""
    name = "allow_count" if model is AllowedUser else "deny_count"
    if not getattr(source, name) and not getattr(target, name):
        return NO_EDIT
    return ListEdit(add=_only(model, source.pk, target.pk), remove=_only(model, target.pk, source.pk))


def _only(model: Listed, here: int, there: int) -> tuple[str, ...]:
    both = Exists(model.objects.filter(state_id=there, npub=OuterRef("npub")))
    return tuple(model.objects.filter(~both, state_id=here).order_by("id").values_list("npub", flat=True))


def _left_only(model: Listed, right: str, left_states: Iterable[int]) -> dict[int, int]:
    """By state, how many of its npubs the same flag's list on the right does not have."""
    states: Collection[int] = list(left_states)
    if not states:
        return {}
    same = model.objects.filter(
        state__flag=OuterRef("state__flag"), state__environment__key=right, npub=OuterRef("npub")
    )
    found = model.objects.filter(~Exists(same), state_id__in=states).order_by()
    return dict(found.values_list("state_id").annotate(Count("id")))


def _gap(left: int, right: int, counted: int) -> ListGap:
    """`counted` is what the left list has alone; when one list is empty nobody counted, and nobody needs to."""
    if not left or not right:
        return ListGap(left, right)
    return ListGap(counted, right - (left - counted))
