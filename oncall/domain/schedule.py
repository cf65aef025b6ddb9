"""Who has to come, at any time: overrides lie over layers, an upper layer over a lower, all of them over the feed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from core.calendar import read_zone
from core.errors import Invalid
from core.texts import need_text
from oncall.domain import layer, shifts
from oncall.domain.layer import Layer
from oncall.domain.shifts import Gap, Shift

KEY = re.compile(r"[a-z][a-z0-9-]{0,39}")
MOST_LAYERS = 8
LOOK = timedelta(days=35)  # how far back and ahead the ends of the present shift are looked for
FEED_URL = re.compile(r"https?://[^\s/]+\S*")
_KEYS = ("name", "zone", "layers", "feed")


@dataclass(frozen=True, slots=True)
class Override:
    """A person takes this time from whoever would have it."""

    person: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Schedule:
    """`layers`: the uppermost first. `overrides`: the newest first. `fed`: what an imported calendar says, in order."""

    zone: ZoneInfo
    layers: tuple[Layer, ...] = ()
    overrides: tuple[Override, ...] = ()
    fed: tuple[Shift, ...] = ()

    def shifts(self, since: datetime, until: datetime) -> list[Shift]:
        """Who is on call in [since, until), clipped to it, in UTC; what lies between two shifts is a gap."""
        since, until = since.astimezone(UTC), until.astimezone(UTC)
        found: list[Shift] = []
        for over in self.overrides:
            found = shifts.laid_over(found, [Shift(over.since, over.until, (over.person,), "override")])
        for each in self.layers:
            found = shifts.laid_over(found, each.shifts(since, until))
        found = shifts.laid_over(found, self.fed)
        return shifts.merged(shifts.clipped(found, since, until))

    def who(self, at: datetime) -> tuple[str, ...]:
        """The people on call at this moment; none in a gap."""
        return next((shift.people for shift in self.shifts(at, at + timedelta.resolution)), ())

    def gaps(self, since: datetime, until: datetime) -> list[Gap]:
        """When nobody is on call in [since, until)."""
        return shifts.gaps(self.shifts(since, until), since.astimezone(UTC), until.astimezone(UTC))


@dataclass(frozen=True, slots=True)
class Standing:
    """Who is on call now, until when, and who comes then.

    `shift` is None in a gap. `until` is None when nothing changes within `LOOK`; `coming` is the next shift in it.
    """

    shift: Shift | None
    until: datetime | None
    coming: Shift | None


def standing(schedule: Schedule, now: datetime) -> Standing:
    """How the schedule stands at `now`."""
    found = schedule.shifts(now - LOOK, now + LOOK)
    shift = next((each for each in found if each.holds(now)), None)
    coming = next((each for each in found if each.starts_at > now), None)
    if shift is None:
        return Standing(None, coming.starts_at if coming else None, coming)
    return Standing(shift, shift.ends_at if shift.ends_at < now + LOOK else None, coming)


def read(values: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[Layer, ...]]:
    """Check what a person or a file says of a schedule: its values as they are kept, and its layers.

    Raises Invalid with a field such as `zone` or `layers.0.people`.
    """
    unknown = sorted(set(values) - set(_KEYS))
    if unknown:
        raise Invalid(f"{unknown[0]!r} is not known here: a schedule has {', '.join(_KEYS)}.", field=unknown[0])
    given = values.get("name") or ""
    name = need_text(given, "Give the schedule a name, for example First line.", field="name", longest=120)
    zone = read_zone(str(values.get("zone") or "UTC"))
    feed = str(values.get("feed") or "").strip()
    if feed and (not FEED_URL.fullmatch(feed) or len(feed) > 500):
        raise Invalid("The feed is an address that begins with https://, of at most 500 characters.", field="feed")
    found = _layers(values.get("layers") or [], zone)
    if not found and not feed:
        raise Invalid("Nobody would ever be on call: give it a layer, or the address of a calendar.", field="layers")
    return {"name": name, "zone": zone.key, "layers": [each.to_dict() for each in found], "feed": feed}, found


def read_key(text: str) -> str:
    """A key of a schedule or chain, or Invalid."""
    if not KEY.fullmatch(text):
        raise Invalid(
            "A key begins with a small letter; then small letters, digits and hyphens, 40 at most.", field="key"
        )
    return text


def stored_layers(values: Sequence[Mapping[str, Any]], zone: str) -> tuple[Layer, ...]:
    """The layers of values that `read` made."""
    return tuple(layer.read(each, ZoneInfo(zone), "layers") for each in values)


def check_span(since: datetime, until: datetime, *, now: datetime) -> None:
    """Raise Invalid for an override that is over already, is empty, or is longer than LOOK."""
    if until <= since:
        raise Invalid("The end must be later than the beginning.", field="until")
    if until <= now:
        raise Invalid("This time is over already: choose one that is ahead.", field="until")
    if until - since > LOOK:
        raise Invalid(f"One override lasts {LOOK.days} days at most: change the layers instead.", field="until")


def _layers(values: Any, zone: ZoneInfo) -> tuple[Layer, ...]:
    if not isinstance(values, list | tuple) or len(values) > MOST_LAYERS:
        raise Invalid(f"A schedule has {MOST_LAYERS} layers at most.", field="layers")
    found = tuple(layer.read(each, zone, f"layers.{number}") for number, each in enumerate(values))
    names = [each.name for each in found]
    for number, name in enumerate(names):
        if name in names[:number]:
            raise Invalid(f"Two layers are called {name}: give each its own name.", field=f"layers.{number}.name")
    return found
