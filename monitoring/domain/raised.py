"""Which flag was raised last: the first suspect when something goes wrong that names no flag."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

CHANGING = (  # by these events what share has a flag changes
    "flag.enabled",
    "flag.disabled",
    "flag.rollout_changed",
    "flag.promoted",
    "flag.targeting_changed",
    "flag.emergency_disabled",
    "flag.rolled_back",
)
RAISING = ("flag.enabled", "flag.rollout_changed", "flag.allow_list_changed")  # no other event raises a flag


@dataclass(frozen=True, slots=True)
class FlagChange:
    """One event of a flag: what it was before and after."""

    flag_key: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]

    @property
    def begins(self) -> bool:
        """Nobody had the feature before, and somebody has it after."""
        return _reach(self.before) == (0, 0) and self.raises

    @property
    def raises(self) -> bool:
        """More units have the feature than before: by percentage, by allow-list, or because it was switched on."""
        return any(after > before for before, after in zip(_reach(self.before), _reach(self.after), strict=True))


def last_raised(changes: Iterable[FlagChange], *, on: Collection[str]) -> str:
    """The flag that was raised last and is still on; empty when there is none. `changes` come newest first."""
    return next((change.flag_key for change in changes if change.flag_key in on and change.raises), "")


def _reach(state: Mapping[str, Any]) -> tuple[float, int]:
    return (state.get("percentage", 0), state.get("allow_count", 0)) if state.get("enabled") else (0, 0)
