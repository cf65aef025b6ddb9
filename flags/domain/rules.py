"""Which changes need other people's approval, and which may be done while an environment is frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from core.asking import Need
from flags.domain.values import same


class ChangeKind(StrEnum):
    """What a rule is about. RAISE counts points of reach, ALLOW_LIST the npubs of the list afterwards."""

    RAISE = "raise"
    ALLOW_LIST = "allow_list"
    PARAMETERS = "parameters"
    TARGETING = "targeting"
    PROMOTION = "promotion"
    RAMP = "ramp"
    RULES = "rules"


class Rule(Protocol):
    """An ApprovalRule has it."""

    above: Decimal
    approvals: int
    expires_after: int


Rules = Mapping[ChangeKind, Rule]
Picture = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change does to a flag. `before` and `after` are pictures of its state, as events keep them.

    `floor` is the lowest reach of the last day that no approved change has raised since: a raise is counted from
    there, so that it cannot be cut into slices. `kind` is set where the change itself is what a rule is about.
    `gains`: somebody may gain the feature although no count rises.
    """

    flag: str
    where: str
    before: Picture
    after: Picture
    floor: Decimal = Decimal(0)
    kind: ChangeKind | None = None
    gains: bool = False


def reach(picture: Picture) -> Decimal:
    """The share of npubs that have the feature by percentage; 0 while it is off."""
    return Decimal(str(picture["percentage"])) if picture["enabled"] else Decimal(0)


def needs(effect: Effect, rules: Rules) -> list[Need]:
    """The rules that this change falls under."""
    found = {
        ChangeKind.RAISE: _raise(effect, rules),
        ChangeKind.ALLOW_LIST: _allow_list(effect, rules),
        ChangeKind.PARAMETERS: _differs(effect, "parameters") and f"the parameters of {effect.flag} change.",
        ChangeKind.TARGETING: _targeting(effect),
    }
    if effect.kind is not None:
        found[effect.kind] = found.get(effect.kind) or _KIND_WORDS[effect.kind].format(effect.flag)
    return [
        Need(f"In {effect.where}, {why}", rules[kind].approvals, rules[kind].expires_after)
        for kind, why in found.items()
        if why and kind in rules
    ]


_KIND_WORDS = {
    ChangeKind.PROMOTION: "{} is promoted.",
    ChangeKind.RAMP: "a ramp of {} is started.",
    ChangeKind.TARGETING: "the targeting of {} changes.",
    ChangeKind.RULES: "the rules for approvals change.",
}


def only_eases(before: Picture, after: Picture) -> bool:
    """Whether nobody can gain the feature by this change, nor is anything else of it changed: a freeze lets it pass."""
    if after["enabled"] and not before["enabled"]:
        return False
    calm = all(same(before.get(name), after.get(name)) for name in ("parameters", "targeting"))
    fewer = after["allow_count"] <= before["allow_count"] and after["deny_count"] >= before["deny_count"]
    return calm and fewer and after["percentage"] <= before["percentage"]


def _raise(effect: Effect, rules: Rules) -> str:
    rule = rules.get(ChangeKind.RAISE)
    start, end = min(effect.floor, reach(effect.before)), reach(effect.after)
    if rule is None or end <= reach(effect.before) or end - start <= rule.above:
        return ""
    within = "" if start == reach(effect.before) else " within a day"
    return f"{effect.flag} rises by {float(end - start):g} points{within}, from {float(start):g} to {float(end):g} %."


def _allow_list(effect: Effect, rules: Rules) -> str:
    """Only those on the list of an enabled flag have anything by it."""
    rule = rules.get(ChangeKind.ALLOW_LIST)
    before, after = (picture["allow_count"] if picture["enabled"] else 0 for picture in (effect.before, effect.after))
    more = after > before or (effect.gains and effect.kind is None)
    if rule is None or not more or after <= rule.above:
        return ""
    return f"the allow-list of {effect.flag} opens it to {after:,} npubs."


def _targeting(effect: Effect) -> str:
    started = effect.after["enabled"] and not effect.before["enabled"] and effect.after["targeting"].get("rules")
    freed = effect.after["deny_count"] < effect.before["deny_count"]
    if _differs(effect, "targeting") or started or freed:
        return f"the targeting of {effect.flag} changes."
    return ""


def _differs(effect: Effect, name: str) -> bool:
    return not same(effect.before.get(name), effect.after.get(name))


def loosens(before: Rules, after: Rules) -> bool:
    """Whether some change would need less than before: a rule gone, fewer approvals, a higher start, more time."""
    return any(
        kind not in after
        or after[kind].above > rule.above
        or after[kind].approvals < rule.approvals
        or after[kind].expires_after > rule.expires_after
        for kind, rule in before.items()
    )
