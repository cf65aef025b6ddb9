"""Feedback on a deployment (seed: Continuous Improvement, Feedback Collection), and what becomes of it."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from core.errors import Invalid
from core.machine import Machine
from core.texts import check_storable

LONGEST = 5_000  # characters of a text
LONGEST_KEY = 100
TAGS = 8
LONGEST_TAG = 40
RATINGS = range(1, 6)  # the seed's userSatisfaction is of 5


class Kind(StrEnum):
    """Who speaks: the seed's four."""

    TECHNICAL = "technical"
    OPERATIONAL = "operational"
    USER = "user"
    BUSINESS = "business"


class Aspect(StrEnum):
    """What technical feedback is about: the seed's four (collectTechnicalFeedback)."""

    PERFORMANCE_IMPACT = "performanceImpact"
    CODE_QUALITY = "codeQuality"
    ARCHITECTURAL_IMPACT = "architecturalImpact"
    TESTING_EFFECTIVENESS = "testingEffectiveness"


WORDS: Mapping[str, str] = MappingProxyType(
    {
        Aspect.PERFORMANCE_IMPACT: "Performance impact",
        Aspect.CODE_QUALITY: "Code quality",
        Aspect.ARCHITECTURAL_IMPACT: "Architectural impact",
        Aspect.TESTING_EFFECTIVENESS: "Testing effectiveness",
    }
)


class State(StrEnum):
    """What became of it. Answers to the survey are counted and need nobody to look at them: they start as noted."""

    NEW = "new"
    NOTED = "noted"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    DUPLICATE = "duplicate"
    DONE = "done"


MACHINE = Machine(
    "piece of feedback",
    {
        State.NEW: frozenset({State.NOTED, State.ACCEPTED, State.DECLINED, State.DUPLICATE}),
        State.NOTED: frozenset({State.ACCEPTED, State.DECLINED, State.DUPLICATE}),
        State.ACCEPTED: frozenset({State.DONE, State.DECLINED}),
        State.DECLINED: frozenset({State.NEW}),
        State.DUPLICATE: frozenset({State.NEW}),
        State.DONE: frozenset({State.NEW}),
    },
)
NEEDS_REASON = frozenset({State.DECLINED, State.DUPLICATE})


@dataclass(frozen=True, slots=True)
class Given:
    """Feedback as somebody gives it. `key` is the caller's own: what comes twice under one key is kept once."""

    kind: str
    text: str = ""
    aspect: str = ""
    rating: int | None = None
    flag: str = ""
    key: str = ""


def checked(given: Given) -> Given:
    """The same with its text trimmed. Raises Invalid with the field."""
    if given.kind not in list(Kind):
        raise Invalid(f"One of {', '.join(Kind)}, not {given.kind!r:.40}.", field="kind")
    if given.aspect and given.aspect not in list(Aspect):
        raise Invalid(f"One of {', '.join(Aspect)}, not {given.aspect!r:.40}.", field="aspect")
    if given.aspect and given.kind != Kind.TECHNICAL:
        raise Invalid("Only technical feedback has an aspect.", field="aspect")
    if given.rating is not None and (isinstance(given.rating, bool) or given.rating not in RATINGS):
        raise Invalid("From 1 (bad) to 5 (very good).", field="rating")
    text = read_text(given.text, field="text")
    if not text and given.rating is None:
        raise Invalid("Say something, or give 1 to 5.", field="text")
    if len(given.key) > LONGEST_KEY:
        raise Invalid(f"At most {LONGEST_KEY} characters.", field="key")
    check_storable(given.key, field="key")
    check_storable(given.flag, field="flag")
    return Given(given.kind, text, given.aspect, given.rating, given.flag, given.key)


def read_line(given: str, *, field: str, longest: int) -> str:
    """A text of one line, which is there. Raises Invalid."""
    text = read_text(given, field=field, longest=longest, needed=True)
    if not _is_plain(text, ""):
        raise Invalid("One line, please.", field=field)
    return text


def read_text(given: str, *, field: str, longest: int = LONGEST, needed: bool = False) -> str:
    """Plain text: what looks like markup stays what it is. Raises Invalid."""
    text = given.replace("\r\n", "\n").strip()
    if len(text) > longest or not _is_plain(text, "\n\t"):
        raise Invalid(f"Plain text of at most {longest:,} characters.", field=field)
    if needed and not text:
        raise Invalid("Nothing is written here yet.", field=field)
    return text


def _is_plain(text: str, allowed: str) -> bool:
    """No control characters but these, and no half of a surrogate pair, which no database can keep."""
    return all(sign in allowed or unicodedata.category(sign) not in ("Cc", "Cs") for sign in text)


def read_tags(given: Sequence[str]) -> list[str]:
    """Small letters, in order, each once. Raises Invalid."""
    tags = sorted({" ".join(tag.lower().split()) for tag in given} - {""})
    if len(tags) > TAGS:
        raise Invalid(f"At most {TAGS} tags.", field="tags")
    for tag in tags:
        if len(tag) > LONGEST_TAG or "," in tag or not _is_plain(tag, ""):
            raise Invalid(f"A tag is a word or two, at most {LONGEST_TAG} characters: {tag:.50}.", field="tags")
    return tags
