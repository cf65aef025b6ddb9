"""Promotion: a flag gets in one environment what it has in another. Decided without a database."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from typing import Any, Protocol

from core.asking import Need
from core.errors import Invalid
from flags.domain.lists import NO_EDIT, ListEdit
from flags.domain.values import same

WAIVER_EXPIRES = 3 * 86_400  # seconds: as long as an approval rule gives when it says nothing else
PARTS = {
    "switch": ("enabled", "percentage"),
    "parameters": ("parameters",),
    "targeting": ("targeting",),
    "lists": ("allow", "deny"),
}
FIELDS = ("enabled", "percentage", "parameters", "targeting")


class State(Protocol):
    """What a promotion reads of a flag's state; a FlagState has it."""

    enabled: bool
    percentage: Decimal
    parameters: dict[str, Any]
    targeting: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Promotion:
    """What one flag takes over from `source`: the fields that differ with their new values, and the lists' edits.

    `waiver` says why the order of promotion is left, where it is.
    """

    flag: str
    source: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    allow: ListEdit = NO_EDIT
    deny: ListEdit = NO_EDIT
    waiver: str = ""

    def __bool__(self) -> bool:
        return bool(self.fields or self.allow or self.deny)

    def to_payload(self) -> dict[str, Any]:
        """As the payload of a change of the kind `flag.promotion`: every value as it will be, nothing to look up."""
        lists = {"allow": self.allow.to_dict(), "deny": self.deny.to_dict()}
        configuration = {**self.fields, **{name: edit for name, edit in lists.items() if any(edit.values())}}
        return {"source": self.source, "configuration": configuration, "waiver": self.waiver}

    @classmethod
    def from_payload(cls, flag: str, payload: Mapping[str, Any]) -> Promotion:
        """Read what `to_payload` wrote."""
        values = payload["configuration"]
        edits = {name: values.get(name, {}) for name in ("allow", "deny")}
        return cls(
            flag=flag,
            source=payload["source"],
            fields={name: value for name, value in values.items() if name in FIELDS},
            waiver=payload.get("waiver", ""),
            **{name: ListEdit(tuple(e.get("add", ())), tuple(e.get("remove", ()))) for name, e in edits.items()},
        )


def configuration(state: State) -> dict[str, Any]:
    """What a flag does in an environment, without its lists, as JSON."""
    return {
        "enabled": state.enabled,
        "percentage": float(state.percentage),
        "parameters": state.parameters,
        "targeting": state.targeting,
    }


def taken_over(source: State, target: State, parts: Iterable[str]) -> dict[str, Any]:
    """The fields of the chosen parts in which the target differs, with the source's values."""
    chosen = {name for part in parts for name in PARTS[part]}
    new, old = configuration(source), configuration(target)
    return {name: new[name] for name in FIELDS if name in chosen and not same(new[name], old[name])}


def check_parts(parts: Iterable[str]) -> tuple[str, ...]:
    """The parts in their own order; Invalid when there is none, or one that is not known."""
    given = set(parts)
    if not given or given - set(PARTS):
        raise Invalid(f"Choose what is promoted: one or more of {', '.join(PARTS)}.", field="parts")
    return tuple(part for part in PARTS if part in given)


def skipped(source: str, target: str, order: Sequence[str]) -> list[str]:
    """The environments between, which a promotion upwards leaves out. `order` has the lowest first.

    Downwards nothing is left out: a lower environment may take what a higher one has at any time.
    """
    if source == target:
        raise Invalid("Choose two different environments.", field="target")
    return list(order[order.index(source) + 1 : order.index(target)])


def waiver_needs(promotion: Promotion, passed: Sequence[str], *, where: str) -> list[Need]:
    """What leaving the order asks for: an approver's word, and a reason. `passed` are the names of those skipped."""
    if not passed:
        return []
    if not promotion.waiver.strip():
        raise Invalid(
            f"This skips {' and '.join(passed)}. Say why: an approver has to waive the order of promotion.",
            field="waiver",
        )
    why = f"{promotion.flag} skips {' and '.join(passed)} on its way to {where}, which an approver must waive."
    return [Need(why, 1, WAIVER_EXPIRES)]


def digest(promotions: Iterable[Promotion]) -> str:
    """Tells whether a second look finds the same promotions. The waiver is left out: it is typed after the look."""
    told = [
        [each.flag, each.source, each.fields, each.allow.to_dict(), each.deny.to_dict()]
        for each in sorted(promotions, key=lambda each: each.flag)
    ]
    return sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
