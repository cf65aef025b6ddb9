"""Versions and their precedence as Semantic Versioning 2.0.0 says it: https://semver.org/#spec-item-11."""

from __future__ import annotations

import re
from functools import lru_cache

MAX_LENGTH = 200  # characters; a longer text is no version: its numbers would take long to read
_NUMBER = r"(?:0|[1-9][0-9]*)"
_IDENTIFIER = rf"(?:{_NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_SEMVER = re.compile(
    rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})"
    rf"(?:-({_IDENTIFIER}(?:\.{_IDENTIFIER})*))?"
    r"(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)

Precedence = tuple[int, int, int, int, tuple[tuple[int, int, str], ...]]


def precedence(text: str) -> Precedence | None:
    """What to compare: of two versions the one with the higher precedence is newer. None: it is no version.

    Build metadata do not count. A pre-release comes before its release; its identifiers are compared one by
    one: numbers by value and before words, words by their characters, and more identifiers come last.
    """
    return _precedence(text) if len(text) <= MAX_LENGTH else None


@lru_cache(4096)  # services send the same few versions over and over
def _precedence(text: str) -> Precedence | None:
    found = _SEMVER.fullmatch(text)
    if found is None:
        return None
    major, minor, patch, early = found.groups()
    parts = (
        tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in early.split(".")) if early else ()
    )
    return int(major), int(minor), int(patch), 0 if early else 1, parts
