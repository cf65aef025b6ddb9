"""The whole page as values: what is read from the database once, kept on disk, and rendered for visitors.

It holds only what the public may see. There is no field for who did something or why.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter

from statuspage.domain.history import Change
from statuspage.domain.overall import Indicator, overall
from statuspage.domain.states import AHEAD, OPEN, UNDER_WAY, ComponentState, Impact, IncidentState, MaintenanceState


@dataclass(frozen=True, slots=True)
class Component:
    """`names`, `descriptions` and `groups` by language; `changes` of the last 90 days, with the one before them."""

    id: str
    key: str
    names: dict[str, str]
    descriptions: dict[str, str]
    groups: dict[str, str]
    position: int
    state: ComponentState
    created_at: datetime
    updated_at: datetime
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Update:
    id: str
    state: IncidentState
    at: datetime
    texts: dict[str, str]
    components: dict[str, ComponentState]


@dataclass(frozen=True, slots=True)
class Incident:
    """`components`: what it says of each, by key; `updates`: the newest first."""

    id: str
    titles: dict[str, str]
    impact: Impact
    state: IncidentState
    started_at: datetime
    updated_at: datetime
    resolved_at: datetime | None
    components: dict[str, ComponentState]
    updates: tuple[Update, ...]

    @property
    def open(self) -> bool:
        return self.state in OPEN


@dataclass(frozen=True, slots=True)
class Maintenance:
    """`ended_at` is when it was over indeed, or cancelled."""

    id: str
    titles: dict[str, str]
    texts: dict[str, str]
    state: MaintenanceState
    starts_at: datetime
    ends_at: datetime
    zone: str
    components: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None

    @property
    def under_way(self) -> bool:
        return self.state in UNDER_WAY

    @property
    def ahead(self) -> bool:
        """Not over: planned or under way."""
        return self.state in AHEAD


@dataclass(frozen=True, slots=True)
class Picture:
    """Components in their order; open incidents and those of the last 90 days, the newest first; maintenances by their
    start, the latest first. `version` rises with each change."""

    title: str
    address: str
    version: int
    changed_at: datetime
    components: tuple[Component, ...]
    incidents: tuple[Incident, ...]
    maintenances: tuple[Maintenance, ...]

    @property
    def indicator(self) -> Indicator:
        return overall(
            (component.state for component in self.components),
            (incident.impact for incident in self.incidents if incident.open),
        )

    def component(self, key: str) -> Component | None:
        """The one with this key; None when it is not on the page any more."""
        return next((each for each in self.components if each.key == key), None)


_ADAPTER = TypeAdapter(Picture)


def dump(picture: Picture) -> bytes:
    return _ADAPTER.dump_json(picture)


def load(content: bytes) -> Picture:
    """What `dump` wrote. ValueError when it is damaged, or of another release."""
    return _ADAPTER.validate_json(content)
