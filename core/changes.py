"""What differs between two pictures of a row, field by field, as an operator reads it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that changed. `before` and `after` are texts; empty when there was, or is, nothing."""

    field: str
    before: str
    after: str


_wordings: dict[str, Callable[[Any], str]] = {}


def add_wording(field: str, words: Callable[[Any], str]) -> None:
    """`words(value)` tells everything of a field that would be JSON otherwise; several lines are fine."""
    _wordings[field] = words


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """The fields that differ, in the order of the pictures; a field that holds an object is told part by part."""
    return [
        Difference(name, _told(name, old), _told(name, new))
        for name, old, new in _pairs(before, after)
        if (old != new or isinstance(old, bool) != isinstance(new, bool)) and text(old) != text(new)
    ]


def text(value: object) -> str:
    """True as `yes`, 25.0 as `25`, a list as `a, b`, anything deeper as JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        return ", ".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _told(field: str, value: object) -> str:
    words = _wordings.get(field)
    return words(value) if words and value else text(value)


def _pairs(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, object, object]]:
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name), after.get(name)
        if isinstance(old, Mapping) or isinstance(new, Mapping):
            olds, news = _parts(old), _parts(new)
            yield from ((f"{name}.{part}", olds.get(part), news.get(part)) for part in dict.fromkeys([*olds, *news]))
        else:
            yield name, old, new


def _parts(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
