"""The effect of changing a flag, in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.template.loader import render_to_string

import flags.selectors.reach
from core import moments
from flags.domain.standing import but, share

if TYPE_CHECKING:
    from flags.models import FlagState


def reach(state: FlagState) -> str:
    """Who has the feature while the flag is enabled."""
    rules = bool(state.targeting.get("rules"))
    beside = " that no rule is about" if rules else ""
    groups = []
    if state.percentage:
        whom = "everybody" if state.percentage == 100 else f"{share(state.percentage)} of all npubs"
        groups.append(whom + beside)
    if rules:
        groups.append("those whom its rules let in")
    if state.allow_count and (rules or state.percentage < 100):
        groups.append(f"{'' if groups else 'only '}the {state.allow_count:,} on the allow-list")
    return (" and ".join(groups) or "nobody") + but(state)


def moving(state: FlagState, target: Decimal) -> list[str]:
    """What setting the percentage to `target` does, and to whom."""
    now = state.percentage
    if target == now:
        return [f"It stays at {share(now)}."]
    first = f"From {share(now)} to {share(target)}."
    if not state.enabled:
        return [first, "The flag is off, so nothing changes for anybody until it is enabled."]
    whom = "all npubs that no rule is about" if state.targeting.get("rules") else "all npubs"
    if target > now:
        return [first, f"About {share(target - now)} of {whom} get the feature; nobody who has it loses it."]
    kept = " Those on the allow-list keep it." if state.allow_count else ""
    return [first, f"About {share(now - target)} of {whom} lose the feature.{kept}"]


def killing(state: FlagState) -> list[str]:
    """What an emergency disable does."""
    where = state.environment.name
    if not state.enabled:
        lost = f"It is off already; its percentage is set from {share(state.percentage)} to 0 %."
    else:
        lost = f"It is on for {reach(state)}: they all lose it, and the percentage is set to 0 %."
    return [
        f"{state.flag.key} goes off for everybody in {where}, at once.",
        lost,
        "Only a person switches it on again. A critical alert is sent.",
    ]


def preview(state: FlagState, fields: Mapping[str, Any]) -> str:
    """Who of the known npubs joins and leaves when the flag's FlagConfig gets these fields, as HTML; "" for none."""
    if not fields:
        return ""
    return render_to_string("flags/preview.html", {"preview": flags.selectors.reach.preview(state, **fields)})


def raised(state: FlagState, fields: Mapping[str, Any]) -> Decimal | None:
    """The percentage that the flag is raised to when it gets these fields; None when that is no raise."""
    after = fields.get("percentage", state.percentage) if fields.get("enabled", state.enabled) else Decimal(0)
    return after if after > (state.percentage if state.enabled else 0) else None


def ago(asked_at: datetime, *, now: datetime) -> str:
    """When a flag was last asked for. Questions are counted in steps of five minutes, so nothing finer is told."""
    minutes = int((now - asked_at).total_seconds() // 60)
    if minutes < 10:
        return "just now"
    return f"{minutes} min ago" if minutes < 60 else f"{moments.span(now - asked_at)} ago"
