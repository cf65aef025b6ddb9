"""Texts of alerts with the values in them: the part of Go's templates that rule files use.

`{{ $labels.name }}`, `{{ $value }}`, both also as `.Labels.name` and `.Value`, and a value through `humanize`,
`humanizePercentage`, `humanizeDuration` or `printf "%.2f"`. Everything else is refused by name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

from core.errors import Invalid

LONGEST = 2_000
_PART = re.compile(r"\{\{-?(.*?)-?\}\}", re.DOTALL)
_LABEL = re.compile(r"(?:\$labels|\.Labels)\.([A-Za-z_][A-Za-z0-9_]*)")
_VALUE = re.compile(r"(?:\$value|\.Value)(?:\s*\|\s*(\w+)(?:\s+\"(%[.\d]*[fge])\")?)?")
_PRINTED = re.compile(r"printf\s+\"(%[.\d]{0,3}[fge])\"\s+(?:\$value|\.Value)")


def check(text: str, *, field: str) -> None:
    """Raises Invalid for a template that cannot be filled."""
    if len(text) > LONGEST:
        raise Invalid(f"At most {LONGEST:,} characters.", field=field)
    try:
        fill(text, {}, 0.0)
    except Invalid as error:
        raise Invalid(str(error), field=field) from None


def fill(text: str, labels: Mapping[str, str], value: float | None) -> str:
    """The text with its parts filled in; a label that is not there is empty."""
    found = _PART.sub(lambda part: _one(part[1].strip(), labels, value), text)
    if "{{" in _PART.sub("", text):
        raise Invalid("A {{ without its }}.")
    return found


def _one(part: str, labels: Mapping[str, str], value: float | None) -> str:
    label = _LABEL.fullmatch(part)
    if label:
        return labels.get(label[1], "")
    printed = _PRINTED.fullmatch(part)
    if printed:
        return "?" if value is None else printed[1] % value
    match = _VALUE.fullmatch(part)
    if match is None or (match[1] and match[1] not in FILTERS and match[1] != "printf"):
        raise Invalid(f"{{{{ {part:.60} }}}} is not supported: labels, the value, and how it is written are.")
    if value is None:
        return "?"
    if match[1] == "printf":
        if not match[2]:
            raise Invalid('printf is followed by how to write the value, for example "%.2f".')
        return match[2] % value
    return FILTERS[match[1]](value) if match[1] else f"{value:g}"


def _humanize(value: float) -> str:
    if not value or not math.isfinite(value):
        return f"{value:g}"
    for prefix, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3), ("", 1.0), ("m", 1e-3), ("u", 1e-6)):
        if abs(value) >= size:
            return f"{value / size:.4g}{prefix}"
    return f"{value:.4g}"


def _duration(value: float) -> str:
    if not math.isfinite(value):
        return f"{value:g}"
    if abs(value) < 60:
        return f"{value:.4g}s"
    whole = int(abs(value))
    parts = (whole // 86_400, "d"), (whole // 3_600 % 24, "h"), (whole // 60 % 60, "m"), (whole % 60, "s")
    return ("-" if value < 0 else "") + " ".join(f"{number}{unit}" for number, unit in parts if number)


FILTERS: dict[str, Callable[[float], str]] = {
    "humanize": _humanize,
    "humanizePercentage": lambda value: f"{100 * value:.4g}%",
    "humanizeDuration": _duration,
}
