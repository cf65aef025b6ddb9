"""What people and publishers write, checked before anything is kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from core.errors import Invalid
from statuspage.domain.languages import FIRST, read_language

LONGEST_TITLE = 160
LONGEST_TEXT = 5000
COMPONENT_KEY = r"^[a-z0-9][a-z0-9-]{0,39}$"
_KEY = re.compile(COMPONENT_KEY)
# Also what turns the direction of a line, and what neither XML nor a database holds: halves of surrogate pairs.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
Word = TypeVar("Word", bound=StrEnum)


def read_title(text: str, *, field: str = "title") -> str:
    """One line of 1 to 160 characters."""
    plain = " ".join(_CONTROL.sub(" ", text).split())
    if not 0 < len(plain) <= LONGEST_TITLE:
        raise Invalid(f"Write 1 to {LONGEST_TITLE} characters: it is the line that visitors read first.", field=field)
    return plain


def read_text(text: str, *, field: str = "text") -> str:
    """1 to 5,000 characters; lines stay lines."""
    plain = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if not 0 < len(plain) <= LONGEST_TEXT:
        raise Invalid(f"Write 1 to {LONGEST_TEXT} characters for the visitors of the page.", field=field)
    return plain


def read_label(text: str, longest: int, *, field: str) -> str:
    """A name as it stands, of at most `longest` characters; Invalid for one that cannot be shown."""
    if len(text) > longest:
        raise Invalid(f"Write at most {longest} characters.", field=field)
    if _CONTROL.search(text) or "\n" in text or "\t" in text:
        raise Invalid("Write one line, without control characters.", field=field)
    return text


def read_titles(titles: Mapping[str, str], *, field: str = "title") -> dict[str, str]:
    """By language, without the empty ones. The first language must be there."""
    found = {read_language(each): read_title(text, field=field) for each, text in titles.items() if text.strip()}
    if FIRST not in found:
        raise Invalid("Write it in English: that is shown where another language lacks it.", field=field)
    return found


def read_texts(texts: Mapping[str, str], *, field: str = "text") -> dict[str, str]:
    """By language, without the empty ones; there may be none at all."""
    return {read_language(each): read_text(text, field=field) for each, text in texts.items() if text.strip()}


def read_key(key: str, *, field: str = "key") -> str:
    """The key of a component: it stands in addresses and playbooks for good."""
    if not _KEY.fullmatch(key):
        raise Invalid(f"{key!r} is no key: small letters, digits and hyphens, at most 40.", field=field)
    return key


def read_word(kind: type[Word], text: str, *, field: str) -> Word:
    """The state or impact of this name, or Invalid with those there are."""
    try:
        return kind(text)
    except ValueError:
        raise Invalid(f"{text!r} is none. Choose one of: {', '.join(kind)}.", field=field) from None
