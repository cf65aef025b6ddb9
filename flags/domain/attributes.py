"""A context as somebody types it: one `name=value` a line."""

from __future__ import annotations

import json
from typing import Any

from core.errors import Invalid

MOST_LINES = 50


def read_context(text: str) -> dict[str, Any]:
    """The attributes of the lines, empty ones left out.

    A value that is JSON (`18`, `true`, `"01234"`) is taken as that, anything else as text. Raises Invalid with the
    number of the first line that has no name or no `=`.
    """
    found: dict[str, Any] = {}
    lines = [line.strip() for line in text.splitlines()]
    if len(lines) > MOST_LINES:
        raise Invalid(f"At most {MOST_LINES} attributes, one a line.", field="context")
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        name, equals, value = (part.strip() for part in line.partition("="))
        if not name or not equals:
            raise Invalid(f"Line {number}: write name=value, for example country=DE.", field="context")
        found[name] = _value(value)
    return found


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
