"""Which changes of a flag by others hold its ramp."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

HOLDING = {
    "flag.rolled_back": "rolled back",
    "flag.emergency_disabled": "disabled in an emergency",
    "flag.disabled": "disabled",
    "flag.enabled": "enabled",
    "flag.rollout_changed": "changed",
    "flag.promoted": "promoted",
    "flag.targeting_changed": "given other targeting",
}
FIRED = "trigger.fired"  # holds every ramp of its environment when one of its actions is to pause


@dataclass(frozen=True, slots=True)
class FlagNews:
    """A flag event as its followers see it."""

    event_id: int
    kind: str
    actor: str
    reason: str
    after: Mapping[str, Any]
    data: Mapping[str, Any]


def is_foreign(news: FlagNews, *, ramp_id: int) -> bool:
    """Whether somebody else than this ramp did it, so that the ramp must stop and ask."""
    if news.kind == FIRED:
        return "pause" in news.data.get("actions", ())
    return news.kind in HOLDING and news.data.get("ramp") != ramp_id


def hold_reason(news: FlagNews) -> str:
    """Names the event for the operator: what, by whom, why, and its number in the event log."""
    if news.kind == FIRED:
        return f"A trigger that pauses all ramps here fired: {news.reason} [{news.kind}, event {news.event_id}]"
    what = HOLDING[news.kind]
    if news.kind in ("flag.enabled", "flag.rollout_changed", "flag.promoted"):
        what += f" to {news.after.get('percentage', 0):g} %"
    rollback = news.data.get("rollback_id")
    return (
        f"The flag was {what} by {news.actor}{f' ({rollback})' if rollback else ''}"
        f"{f': {news.reason}' if news.reason else '.'} [{news.kind}, event {news.event_id}]"
    )
