"""What a flag's state is called."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol


class State(Protocol):
    """What the words depend on; a FlagState has it."""

    enabled: bool
    percentage: Decimal
    allow_count: int
    deny_count: int
    targeting: dict[str, Any]
    disabled_at: datetime | None
    rollback_id: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What a state is called: `word` in lists, `sentence` on its page; tone and icon as badges have them."""

    word: str
    sentence: str
    tone: str
    icon: str


def standing(state: State) -> Standing:
    """The state as an operator reads it."""
    if not state.enabled and state.rollback_id:
        return Standing("rolled back", "Off: rolled back", "bad", "undo")
    if not state.enabled and state.disabled_at:
        return Standing("emergency off", "Off: disabled in an emergency", "bad", "emergency_home")
    if not state.enabled:
        return Standing("off", "Off for everybody", "mute", "toggle_off")
    if state.percentage == 100:
        return Standing("on", f"On for everybody{_beside_rules(state)}", "ok", "toggle_on")
    if state.percentage:
        whom = f"{share(state.percentage)} of npubs{_beside_rules(state)}"
        return Standing("on", f"On for {whom}", "ok", "toggle_on")
    if state.targeting.get("rules"):
        return Standing("on, by rules", f"On for those whom its rules let in{but(state)}", "info", "rule")
    if state.allow_count:
        return Standing("on, allow-list only", "On for the allow-list only", "info", "group")
    return Standing("on for nobody", "On, but for nobody: 0 % and no allow-list", "warn", "toggle_on")


def but(state: State) -> str:
    """What limits whoever else has the feature: the deny-list and prerequisites; "" when nothing does."""
    denied = f", but not for the {state.deny_count:,} on the deny-list" if state.deny_count else ""
    needs = [item["flag"] for item in state.targeting.get("prerequisites", ())]
    return denied + (f", as long as {' and '.join(needs)} fits" if needs else "")


def _beside_rules(state: State) -> str:
    return (" that no rule is about" if state.targeting.get("rules") else "") + but(state)


def share(percentage: Decimal | float) -> str:
    """25.00 as `25 %`."""
    return f"{float(percentage):g} %"
