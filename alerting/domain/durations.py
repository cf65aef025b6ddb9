"""Durations as Prometheus writes them: `5m`, `1h30m`, `1d`."""

from __future__ import annotations

import re

from core.errors import Invalid

UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
LONGEST = 31 * 86_400  # seconds
_WHOLE = re.compile(r"(?:(\d{1,6})w)?(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?")


def seconds(text: str, *, field: str) -> int:
    """`90s`, `5m`, `1h30m` or `0` as seconds, at most 31 days. Raises Invalid, with the field, for anything else."""
    match = _WHOLE.fullmatch(text.strip())
    if text.strip() == "0":
        return 0
    if match is None or not any(match.groups()):
        raise Invalid(f"A duration like 90s, 5m or 1h30m, not {text!r:.40}.", field=field)
    total = sum(int(number or 0) * unit for number, unit in zip(match.groups(), UNITS.values(), strict=True))
    if total > LONGEST:
        raise Invalid("At most 31 days.", field=field)
    return total


def text(total: int) -> str:
    """The shortest way to write it."""
    found = ""
    for name, unit in UNITS.items():
        if total >= unit:
            found += f"{total // unit}{name}"
            total %= unit
    return found or "0s"
