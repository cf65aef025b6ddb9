"""What a verification can find, each named so that somebody can go and look."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

MOST = 1_000  # findings that are named; more are counted


class Wrong(StrEnum):
    CHANGED = "changed"
    REMOVED = "removed"
    INSERTED = "inserted"
    RETURNED = "returned"
    REORDERED = "reordered"
    REWRITTEN = "rewritten"
    GAP = "gap"
    TAIL = "tail"
    SIGNATURE = "signature"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `since`: until then it was as it should be, UTC; "" when nobody knows."""

    wrong: Wrong
    chain: str
    number: int | None
    event: int | None
    text: str
    since: str = ""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"wrong": self.wrong.value}


@dataclass(slots=True)
class Result:
    """What was read and what was found. `waiting`: events that the sealer has yet to come to."""

    seals: int = 0
    events: int = 0
    forgotten: int = 0
    waiting: int = 0
    findings: list[Finding] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    heads: list[dict[str, Any]] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not self.counts

    @property
    def wrong(self) -> int:
        """How much was found, also beyond what is named."""
        return self.counts.total()

    def add(self, finding: Finding) -> None:
        self.counts[finding.wrong.value] += 1
        if len(self.findings) < MOST:
            self.findings.append(finding)
