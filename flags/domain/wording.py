"""Targeting in words, as an operator reads it. What the words stand for is in `flags.domain.targeting`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from flags.domain.conditions import MAX_VALUES

Serve = str | list[list[Any]]
SHOWN = 5  # values of one condition that are named; the others are counted

OPERATORS: Mapping[str, str] = {
    "equals": "is",
    "in": "is one of",
    "not_in": "is none of",
    "prefix": "begins with",
    "number_eq": "= (number)",
    "number_lt": "< (number)",
    "number_le": "≤ (number)",
    "number_gt": "> (number)",
    "number_ge": "≥ (number)",
    "semver_eq": "is version",
    "semver_lt": "is a version before",
    "semver_le": "is at most version",
    "semver_gt": "is a version after",
    "semver_ge": "is at least version",
    "before": "is a time before",
    "after": "is a time after",
}


def condition(data: Mapping[str, Any], *, shown: int = SHOWN) -> str:
    """`country is one of DE, FR`, `in segment beta`. Of its values so many are named, the others counted."""
    if "segment" in data:
        return f"in segment {data['segment']}"
    if "not_segment" in data:
        return f"not in segment {data['not_segment']}"
    attribute = "the npub" if data["attribute"] == "targetingKey" else data["attribute"]
    return f"{attribute} {OPERATORS[data['op']].removesuffix(' (number)')} {values(data['values'], shown=shown)}"


def conditions(data: Sequence[Mapping[str, Any]], *, shown: int = SHOWN) -> str:
    """All of them, joined by and."""
    return " and ".join(condition(each, shown=shown) for each in data)


def values(data: Sequence[Any], *, shown: int = SHOWN) -> str:
    """The first ones by name, the others by their number; a text is told from a number by its quotes where it must."""
    named = [_value(value) for value in data[:shown]]
    more = len(data) - shown
    return ", ".join(named) + (f" and {more:,} more" if more > 0 else "")


def served(serve: Serve) -> str:
    """`blue`, or `50 % red, 50 % blue`."""
    return serve if isinstance(serve, str) else ", ".join(f"{percent:g} % {variant}" for variant, percent in serve)


def rule(data: Mapping[str, Any], *, serve: Serve, off: str, shown: int = SHOWN) -> str:
    """One rule as a sentence. `serve` and `off` are what the flag serves where the rule says nothing."""
    given, percentage = served(data.get("serve", serve)), data.get("percentage", 100)
    if percentage == 100:
        effect = f"they get {given}"
    elif percentage == 0:
        effect = f"they get {off}"
    else:
        effect = f"{percentage:g} % of them get {given}, the others {off}"
    return f"Where {conditions(data['when'], shown=shown)}: {effect}."


def all_rules(data: Sequence[Mapping[str, Any]]) -> str:
    """Every rule with every value, one a line in their order: for the record, where nothing may be left out."""
    told = (rule(each, serve="the feature", off="nothing", shown=MAX_VALUES) for each in data)
    return "\n".join(
        f"{number}. {each['name']}: {words}" for number, (each, words) in enumerate(zip(data, told, strict=True), 1)
    )


def all_conditions(data: Sequence[Mapping[str, Any]]) -> str:
    """Every condition with every value."""
    return conditions(data, shown=MAX_VALUES)


def prerequisites(data: Sequence[Mapping[str, Any]]) -> str:
    """All of them, joined by and."""
    return " and ".join(map(prerequisite, data))


def prerequisite(data: Mapping[str, Any]) -> str:
    """`needs checkout to answer on or beta`."""
    return f"needs {data['flag']} to answer {' or '.join(data['variants'])}"


def _value(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False) if _looks_typed(value) else value
    return json.dumps(value)


def _looks_typed(text: str) -> bool:
    """Whether a text would be taken for a number or a boolean, or for several values."""
    try:
        return not isinstance(json.loads(text), dict | list)
    except ValueError:
        return "," in text or text != text.strip() or not text
