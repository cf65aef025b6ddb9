"""What a wall screen shows to whoever passes by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reports.domain.coming import Coming, Kind

PAGES = ("health", "rollout")  # of each environment, in this order
_PLAIN = {  # what a person wrote is not repeated
    Kind.CHANGE: "A scheduled change",
    Kind.FREEZE: "A freeze begins",
    Kind.THAW: "The freeze ends",
    Kind.ITEM: "An item of a checklist is due",
}


@dataclass(frozen=True, slots=True)
class Due:
    """`at` is None for what waits until a person lets it go on."""

    text: str
    at: datetime | None


def told(one: Coming) -> str:
    """What is due, without a word that a person may have put a secret into."""
    return _PLAIN.get(one.kind, one.text)
