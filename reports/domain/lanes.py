"""What happened beside the metrics: lanes by kind, marks on them, and bars for what lasted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

NEAR = 1.2  # percent of the width within which marks of a lane become one: that of a mark on a phone
GRAVE = ("bad", "warn", "info", "ok", "mute")


@dataclass(frozen=True, slots=True)
class Happened:
    """One event. `at` is unix seconds; `what`, `who` and `why` are its words; `url` leads to it."""

    kind: str
    subject: str
    at: float
    what: str
    who: str
    why: str
    url: str
    tone: str
    icon: str

    @property
    def when(self) -> datetime:
        return datetime.fromtimestamp(self.at, UTC)


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a lane shows one event or, as many as `count`, that lie too near to each other; the gravest tells."""

    happened: Happened
    left: float
    count: int = 1


@dataclass(frozen=True, slots=True)
class Bar:
    """What lasted. `left` and `width` are percent; it is `open` when it had not ended in the time that is shown."""

    text: str
    url: str
    tone: str
    left: float
    width: float
    open: bool = False


@dataclass(frozen=True, slots=True)
class Lane:
    key: str
    name: str
    marks: Sequence[Mark] = ()
    bars: Sequence[Bar] = field(default=())


NAMES = {
    "ramps": "Ramp steps",
    "flags": "Flag changes",
    "plans": "Plan phases",
    "migrations": "Migrations",
    "freezes": "Freezes",
    "alerts": "Alerts and triggers",
    "rollbacks": "Rollbacks",
    "incidents": "Incidents",
}
_NOUNS = {
    "ramp": "ramps",
    "flag": "flags",
    "segment": "flags",
    "request": "flags",
    "playbook": "flags",
    "plan": "plans",
    "phase": "plans",
    "migration": "migrations",
    "backup": "migrations",
    "freeze": "freezes",
    "alert": "alerts",
    "trigger": "alerts",
    "metrics": "alerts",
    "error": "alerts",
    "source": "alerts",
    "rollback": "rollbacks",
    "incident": "incidents",
    "escalation": "incidents",
}
_ELSEWHERE = {"flag.rolled_back": "rollbacks", "flag.emergency_disabled": "rollbacks", "ramp.rolled_back": "rollbacks"}
LASTS: Mapping[str, frozenset[str]] = {  # what begins with a kind, and the kinds that end it
    "ramp.held": frozenset({"ramp.resumed", "ramp.completed", "ramp.rolled_back"}),
    "phase.started": frozenset({"phase.completed", "phase.rolled_back"}),
    "migration.started": frozenset(
        {"migration.completed", "migration.failed", "migration.aborted", "migration.rolled_back", "migration.abandoned"}
    ),
    "alert.firing": frozenset({"alert.resolved"}),
    "trigger.fired": frozenset({"trigger.rearmed"}),
    "metrics.silent": frozenset({"metrics.heard"}),
    "error.opened": frozenset({"error.resolved"}),
    "rollback.confirmed": frozenset({"rollback.completed", "rollback.aborted"}),
    "incident.opened": frozenset({"incident.resolved", "incident.merged"}),
    "incident.reopened": frozenset({"incident.resolved", "incident.merged"}),
}


def lane_of(kind: str) -> str:
    """The lane of a kind of event; empty for one that no lane shows."""
    return _ELSEWHERE.get(kind) or _NOUNS.get(kind.partition(".")[0], "")


def lanes(
    happened: Iterable[Happened], *, start: float, end: float, bars: Mapping[str, Sequence[Bar]] | None = None
) -> list[Lane]:
    """A lane for each kind of which something is there.

    Args:
        start, end: unix seconds.
        bars: more bars by the key of their lane, such as freezes.
    """
    ordered = sorted(happened, key=lambda one: one.at)
    more = bars or {}
    found = []
    for key, name in NAMES.items():
        mine = [one for one in ordered if lane_of(one.kind) == key]
        lasting = [*more.get(key, ()), *_bars(mine, start, end)]
        if mine or lasting:
            found.append(Lane(key, name, _marks(mine, start, end), lasting))
    return found


def share(at: float, start: float, end: float) -> float:
    """Where a moment lies between start and end, in percent; those outside lie at the edge."""
    return 100 * (min(max(at, start), end) - start) / (end - start)


def _marks(ordered: Iterable[Happened], start: float, end: float) -> list[Mark]:
    found: list[Mark] = []
    for one in ordered:
        left = share(one.at, start, end)
        if found and left - found[-1].left < NEAR:
            last = found[-1]
            graver = GRAVE.index(one.tone) < GRAVE.index(last.happened.tone)
            found[-1] = replace(last, happened=one if graver else last.happened, count=last.count + 1)
        else:
            found.append(Mark(one, left))
    return found


def _bars(ordered: Iterable[Happened], start: float, end: float) -> list[Bar]:
    begun: dict[str, Happened] = {}
    found = []
    for one in ordered:
        first = begun.get(one.subject)
        if first is not None and one.kind in LASTS[first.kind]:
            found.append(_bar(first, one.at, start, end))
            del begun[one.subject]
        if one.kind in LASTS:
            begun.setdefault(one.subject, one)
    return [*found, *(replace(_bar(first, end, start, end), open=True) for first in begun.values())]


def _bar(first: Happened, until: float, start: float, end: float) -> Bar:
    left = share(first.at, start, end)
    return Bar(first.what, first.url, first.tone, left, share(until, start, end) - left)
