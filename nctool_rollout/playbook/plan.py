"""What a load does with each item: a merge of three, what the file wants, what there is, what a playbook last set.

A value that is still what a playbook last set follows the new file. A value that somebody changed since stays.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from nctool_rollout.playbook.wanted import Item


class Missing(StrEnum):
    """There is no such item."""

    MISSING = "missing"


MISSING = Missing.MISSING
UNTOUCHED: Mapping[Item, Any] = {  # a flag nobody has used yet, or has said more about
    ("states", "rollout"): {"enabled": False, "percentage": 0},
    ("states", "allowedUsers"): [],
    ("flags", "group"): "",
    ("flags", "value_type"): "boolean",
    ("flags", "variants"): [],
    ("flags", "parameter_schema"): {},
}


class Outcome(StrEnum):
    SAME = "same"
    CREATE = "create"
    CHANGE = "change"
    REMOVE = "remove"
    KEEP = "keep"
    EXTRA = "extra"
    GONE = "gone"
    ASK = "ask"


WRITES = (Outcome.CREATE, Outcome.CHANGE, Outcome.REMOVE)


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to one item. `why` tells what keeps a load from bringing it to what the file wants."""

    item: Item
    outcome: Outcome
    current: Any
    wanted: Any
    why: str = ""


def fingerprint(value: Any) -> str:
    """Equal for equal values, short for long ones. 1e16 equals 10000000000000000: PostgreSQL gives it back so."""
    plain = json.loads(json.dumps(value), parse_float=_whole_if_it_is)
    text = json.dumps(plain, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _whole_if_it_is(text: str) -> int | float:
    number = float(text)
    return int(number) if number.is_integer() else number


def name(item: Item) -> str:
    """The item in one text, as JSON Pointer escapes it."""
    return "/".join(part.replace("~", "~0").replace("/", "~1") for part in item)


def plan(
    wanted: Mapping[Item, Any],
    current: Mapping[Item, Any],
    last_set: Mapping[str, str],
    *,
    blocked: Callable[[Item], str] = lambda item: "",
) -> list[Decision]:
    """One decision for each item, those of the file first.

    Args:
        last_set: `name` of each item that a playbook set, to the `fingerprint` of what it set.
        blocked: why an item must not be touched now; empty when it may.
    """
    found = [_decide(item, current.get(item, MISSING), value, last_set, blocked) for item, value in wanted.items()]
    flags_here = {item[:3] for item in wanted if item[0] == "states"}
    for item, value in current.items():
        if item in wanted:
            continue
        known, here = name(item) in last_set, item[:3] in flags_here
        if known and here:
            found.append(_parameter_left_out(item, value, last_set, blocked))
        elif known:
            found.append(Decision(item, Outcome.GONE, value, MISSING, "no longer in the file"))
        elif here:
            found.append(Decision(item, Outcome.EXTRA, value, MISSING, "set here since, not by the playbook"))
    return found


def remembered(decisions: list[Decision], last_set: Mapping[str, str]) -> dict[str, str]:
    """What a playbook has last set, after these decisions."""
    now = dict(last_set)
    for decision in decisions:
        if decision.outcome in (Outcome.SAME, Outcome.CREATE, Outcome.CHANGE):
            now[name(decision.item)] = fingerprint(decision.wanted)
        elif decision.outcome is Outcome.REMOVE:
            now.pop(name(decision.item), None)
    return now


def _decide(
    item: Item, current: Any, wanted: Any, last_set: Mapping[str, str], blocked: Callable[[Item], str]
) -> Decision:
    if current is not MISSING and fingerprint(current) == fingerprint(wanted):
        return Decision(item, Outcome.SAME, current, wanted)
    why = blocked(item) or _touched(item, current, last_set)
    if why:
        return Decision(item, Outcome.KEEP, current, wanted, why)
    return Decision(item, Outcome.CREATE if current is MISSING else Outcome.CHANGE, current, wanted)


def _touched(item: Item, current: Any, last_set: Mapping[str, str]) -> str:
    before = last_set.get(name(item))
    if current is MISSING:
        return "taken away since" if before is not None else ""
    if before is None:
        kind = (item[0], *item[3 if item[0] == "states" else 2 :])
        untouched = current == UNTOUCHED.get(kind, MISSING)
        return "" if untouched else "set before a playbook was loaded"
    return "" if fingerprint(current) == before else "changed since the playbook was loaded"


def _parameter_left_out(
    item: Item, current: Any, last_set: Mapping[str, str], blocked: Callable[[Item], str]
) -> Decision:
    """It goes, unless somebody set it since. Whatever else a file no longer names stays until a person removes it."""
    why = blocked(item) or _touched(item, current, last_set)
    return Decision(item, Outcome.KEEP if why else Outcome.REMOVE, current, MISSING, why)
