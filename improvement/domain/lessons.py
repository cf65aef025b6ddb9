"""Lessons learned (seed: Lessons Learned Documentation): of the deployment and technical ones, in three sorts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from core.errors import Invalid
from improvement.domain.actions import read_origin
from improvement.domain.feedback import read_tags, read_text

LONGEST = 300


class Area(StrEnum):
    DEPLOYMENT = "deployment"
    TECHNICAL = "technical"


class Sort(StrEnum):
    SUCCESS = "successes"
    CHALLENGE = "challenges"
    IMPROVEMENT = "improvements"


WORDS: Mapping[str, str] = {
    Sort.SUCCESS: "What went well",
    Sort.CHALLENGE: "What was hard",
    Sort.IMPROVEMENT: "What to do better",
}


@dataclass(frozen=True, slots=True)
class Lesson:
    """`about` are the subjects of events that it matters to (`flag:atomicMeltOperations`, `phase:database`).

    `evidence` is the subject of what taught it, such as `rollback:rb-1`; empty: what people remember.
    """

    area: str
    sort: str
    text: str
    detail: str = ""
    evidence: str = ""
    about: Sequence[str] = ()
    tags: Sequence[str] = field(default_factory=tuple)

    def as_dict(self) -> dict[str, Any]:
        return {
            "area": self.area,
            "sort": self.sort,
            "text": self.text,
            "detail": self.detail,
            "evidence": self.evidence,
            "about": list(self.about),
            "tags": list(self.tags),
        }


def read(given: Mapping[str, Any]) -> Lesson:
    """Raises Invalid with the field."""
    area, sort = str(given.get("area", "")), str(given.get("sort", ""))
    if area not in list(Area):
        raise Invalid(f"One of {', '.join(Area)}.", field="area")
    if sort not in list(Sort):
        raise Invalid(f"One of {', '.join(Sort)}.", field="sort")
    return Lesson(
        area,
        sort,
        read_text(str(given.get("text", "")), field="text", longest=LONGEST, needed=True),
        read_text(str(given.get("detail", "")), field="detail"),
        read_origin(str(given.get("evidence", "")).strip()),
        tuple(sorted({read_origin(str(one).strip()) for one in given.get("about", ())} - {""})),
        tuple(read_tags(list(given.get("tags", ())))),
    )
