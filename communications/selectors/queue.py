"""What is to be sent, and what somebody got lately."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, F, Min, OuterRef, Q, QuerySet

from communications.domain.delivery import LEASE, LONGEST_RETRY_AFTER, SKEW
from communications.domain.states import AnnouncementState
from communications.domain.timing import BURST, MEMORY
from communications.models import Announcement

TOLD = (AnnouncementState.QUEUED.value, AnnouncementState.SENT.value, AnnouncementState.MERGED.value)
PLACE = ("audience", "channel_id", "recipient")
Place = tuple[str, int, str]  # audience, channel, recipient


def due(channel_id: int, *, now: datetime) -> QuerySet[Announcement]:
    """Queued ones of a channel whose time has come and that no sender holds, oldest first.

    A clock that is set back delays nothing: what was to go at once goes, and no wait or lease is longer than any is.
    Of those that belong together, only the first is given: an end is never told before its beginning.
    """
    queued = Announcement.objects.filter(state=AnnouncementState.QUEUED.value)
    earlier = queued.filter(
        channel=OuterRef("channel"), recipient=OuterRef("recipient"), thread=OuterRef("thread"), id__lt=OuterRef("id")
    )
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lte=now) | Q(claimed_until__gt=now + LEASE + SKEW)
    never = Q(due_at__gt=now + LONGEST_RETRY_AFTER + SKEW, tries__gt=0)
    come = Q(due_at__lte=now) | Q(due_at=F("made_at"), tries=0) | never
    mine = queued.filter(free, come, channel_id=channel_id)
    return mine.filter(Q(thread="") | ~Exists(earlier)).order_by("due_at", "id")


@dataclass(slots=True)
class Lately:
    """What one recipient was told before: of each group, when; how much within the last minute; and what is held."""

    groups: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    count: int = 0
    held: datetime | None = None

    def follow(self, group: str, *, held: bool, at: datetime) -> None:
        """One more, which is told at that time."""
        if held:
            self.held = min(self.held or at, at)
        else:
            self.count += 1
            self.groups[group].append(at)


def lately(audiences: Collection[str], groups: Collection[str], *, now: datetime) -> dict[Place, Lately]:
    """Of each recipient of these audiences, in three queries."""
    found: dict[Place, Lately] = defaultdict(Lately)
    rows = Announcement.objects.filter(audience__in=audiences).order_by()
    told = rows.filter(state__in=TOLD)
    same = told.filter(group__in=groups, made_at__gt=now - MEMORY).exclude(group="")
    letters = {
        ((audience, channel, recipient), group, merged_into or pk): due_at
        for audience, channel, recipient, group, merged_into, pk, due_at in same.values_list(
            *PLACE, "group", "merged_into", "pk", "due_at"
        )
    }
    for (place, group, _), due_at in letters.items():
        found[place].groups[group].append(due_at)
    fresh = told.filter(due_at__gt=now - BURST, made_at__gt=now - MEMORY, merged_into=None)
    for *place, count in fresh.values_list(*PLACE).annotate(Count("pk")):
        found[_place(place)].count = count
    held = rows.filter(state=AnnouncementState.HELD.value, due_at__gt=now)
    for *place, until in held.values_list(*PLACE).annotate(Min("due_at")):
        found[_place(place)].held = until
    return found


def _place(parts: Sequence[Any]) -> Place:
    audience, channel, recipient = parts
    return audience, channel, recipient
