"""Reads of the wall screen: its links, and what its pages show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import QuerySet

from core.errors import NotFound
from reports.domain import wall
from reports.domain.coming import Kind
from reports.domain.wall import PAGES, Due
from reports.models import WallLink
from reports.selectors.picture import FlagLine, Picture, picture

if TYPE_CHECKING:
    from core.models import Environment

MOST_FLAGS, MOST_DUE = 8, 6


@dataclass(frozen=True, slots=True)
class WallPage:
    """One page of a screen. `number` counts from 0; `on_call` is empty unless names are allowed."""

    kind: str
    environment: Environment
    number: int
    count: int
    picture: Picture
    flags: list[FlagLine]
    due: list[Due]
    troubles: list[str]
    on_call: list[tuple[str, str]]

    @property
    def next(self) -> int:
        return (self.number + 1) % self.count


def links() -> QuerySet[WallLink]:
    """All, newest first, with their environments in one more query."""
    return WallLink.objects.prefetch_related("environments").order_by("-id")


def live(*, now: datetime) -> QuerySet[WallLink]:
    """Those that open their screen now."""
    return links().filter(revoked_at=None, expires_at__gt=now)


def link(link_id: int) -> WallLink:
    """One of them, or NotFound."""
    found = links().filter(pk=link_id).first()
    if found is None:
        raise NotFound(f"There is no link {link_id} to a wall screen.")
    return found


def page(link: WallLink, number: int, *, now: datetime) -> WallPage:
    """The page with this number of the link's screen; a number beyond the last begins again.

    Nothing on it is secret or personal: no npub, no text that a person wrote, and no name unless the link allows it.
    """
    places = sorted(link.environments.all(), key=lambda place: -place.position)
    count = len(places) * len(PAGES)
    number %= count
    here = places[number // len(PAGES)]
    shown = picture(here, now=now)
    return WallPage(
        kind=PAGES[number % len(PAGES)],
        environment=here,
        number=number,
        count=count,
        picture=shown,
        flags=shown.flags[:MOST_FLAGS],
        due=[Due(wall.told(one), one.at) for one in shown.coming if one.kind is not Kind.ITEM][:MOST_DUE],
        troubles=_troubles(shown, here),
        on_call=[(schedule.name, ", ".join(stands.shift.people)) for schedule, stands in shown.on_call if stands.shift]
        if link.names
        else [],
    )


def _troubles(shown: Picture, here: Environment) -> list[str]:
    """What is wrong there, by numbers and by names that the playbook gave."""
    incidents = [row for row in shown.incidents if row.environment_id == here.pk]
    fired = [row for row in shown.latched if row.environment_id == here.pk]
    return [
        *(f"Incident {row.pk}, level {row.level}, {row.state}" for row in incidents),
        *(f"Trigger fired: {row.name}" for row in fired),
        *(f"{part.name}: {part.condition.value}" for part in shown.troubled if part.loud),
    ]
