"""Matchers as a person writes them: one a line."""

from __future__ import annotations

import re
from collections.abc import Mapping

from core.errors import Invalid

_LINE = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*(=~|!~|!=|=)\s*(.*?)\s*")


def as_text(labels: Mapping[str, str]) -> str:
    return "\n".join(f"{name}={value}" for name, value in sorted(labels.items()) if name != "severity")


def from_text(text: str) -> list[dict[str, str]]:
    """Raises Invalid, field `matchers`, with the line that cannot be read."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise Invalid(f"Line {number}, {line.strip()!r:.60}, is not like alertname=ErrorRate.", field="matchers")
        found.append({"name": match[1], "op": match[2], "value": match[3].strip('"')})
    return found
