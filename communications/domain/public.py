"""What must not reach people outside: found in a text before it is published."""

from __future__ import annotations

import re
from collections.abc import Collection

_PATTERNS = (
    ("an npub", re.compile(r"\bnpub1[a-z0-9]{6,}\b", re.IGNORECASE)),
    ("the id of a rollback or of a run", re.compile(r"\b(?:rb|mr)-\d{6,}[\w-]*", re.IGNORECASE)),
    (
        "an address of our own network",
        re.compile(r"\b(?:10|127|169\.254|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d+\.[\d.]+"),
    ),
    ("a page of the admin", re.compile(r"\S*/admin/\S*")),
    ("a secret", re.compile(r"\b(?:token|password|secret|api[_-]?key)\s*[=:]\s*\S+", re.IGNORECASE)),
    ("an address with a password", re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/@]+:[^\s/@]+@", re.IGNORECASE)),
)


def leaks(text: str, *, names: Collection[str]) -> list[str]:
    """What of the inside is in the text, in words; empty: nothing that is known.

    Args:
        names: words of the inside: keys of flags, rules and triggers, names of people, of environments and databases.
            They are found as whole words, whatever their case.
    """
    found = [f"{what} ({match.group()[:60]})" for what, pattern in _PATTERNS if (match := pattern.search(text))]
    words = {word.casefold() for word in re.findall(r"[\w.@-]+", text)}
    words |= {word.strip(".-") for word in words}
    return [*found, *sorted(name for name in names if len(name) > 2 and name.casefold() in words)]
