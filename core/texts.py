"""Words that people and programs give, checked before anything is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.errors import Invalid

LONGEST = 2_000  # characters of a reason, a note, or what else a person writes in a field of several lines
WHY = "Say why: the history tells who did it and for what reason."


def check_text(value: object, *, field: str = "reason", longest: int = LONGEST) -> str:
    """The text without blanks around it, which may be empty.

    Raises Invalid for what is no text, has more than `longest` characters, or cannot be stored (`check_storable`).
    """
    if not isinstance(value, str):
        raise Invalid(f"A text of at most {longest:,} characters.", field=field)
    check_storable(value, field=field)
    text = value.strip()
    if len(text) > longest:
        raise Invalid(f"At most {longest:,} characters, not {len(text):,}.", field=field)
    return text


def need_text(value: object, message: str, *, field: str, longest: int = LONGEST) -> str:
    """As `check_text`; `message` says what to write where there is nothing."""
    text = check_text(value, field=field, longest=longest)
    if not text:
        raise Invalid(message, field=field)
    return text


def need_reason(reason: str, why: str = WHY) -> str:
    """The reason of a command that takes none without one, of at most 2,000 characters."""
    return need_text(reason, why, field="reason")


def read_field(values: Mapping[str, Any], field: str, longest: int, *, needed: bool = False) -> str:
    """The text of this name among plain values, as a file, a form or a program gives them; "" where it is left out."""
    if needed:
        return need_text(values.get(field, ""), "This may not be empty.", field=field, longest=longest)
    return check_text(values.get(field, ""), field=field, longest=longest)


def check_storable(text: str, *, field: str) -> None:
    """Raises Invalid for NUL and for half of a surrogate pair: PostgreSQL takes neither."""
    if not is_storable(text):
        raise Invalid(f"The {field.replace('_', ' ')} holds characters that cannot be stored.", field=field)


def check_storable_within(sent: object) -> None:
    """`check_storable` of all texts in what was JSON, the names of fields with them; the field is like `changes.0`."""
    left = [("body", sent)]
    while left:
        where, value = left.pop()
        if isinstance(value, str):
            check_storable(value, field=where)
        elif isinstance(value, dict | list):
            for name, each in value.items() if isinstance(value, dict) else enumerate(value):
                check_storable(str(name), field=where)
                left.append((str(name) if where == "body" else f"{where}.{name}", each))


def is_storable(text: str) -> bool:
    """Whether every database can keep it: it holds no NUL and no half of a surrogate pair."""
    return "\x00" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)
