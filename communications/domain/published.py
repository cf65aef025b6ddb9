"""What an event of an incident means on the status page."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

_IMPACTS = {1: "minor", 2: "major", 3: "critical"}
_COMPONENTS = {1: "degraded_performance", 2: "partial_outage", 3: "major_outage"}
_STATES = {
    "investigating": "investigating",
    "identified": "identified",
    "monitoring": "monitoring",
    "resolved": "resolved",
    "post_mortem": "postmortem",
    "closed": "postmortem",
}
OVER = ("resolved", "postmortem")


@dataclass(frozen=True, slots=True)
class Said:
    """In the words of the status page; components by key."""

    impact: str
    state: str
    components: Mapping[str, str]


def said(data: Mapping[str, Any], *, components: Collection[str]) -> Said:
    """Impact and state of components by the level of the incident; once it is over, they work.

    Args:
        components: those of the page. What the incident names beside them is not shown there.
    """
    level = data.get("level") if data.get("level") in _IMPACTS else 1
    state = _STATES.get(str(data.get("state")), "investigating")
    shown = "operational" if state in OVER else _COMPONENTS[int(level or 1)]
    affected = [str(name) for name in data.get("components") or []]
    return Said(_IMPACTS[int(level or 1)], state, {name: shown for name in affected if name in components})
