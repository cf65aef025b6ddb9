"""Users who complain about a feature they have. Pure: the clock is an argument."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from simulator.faults import Fault, Kind

MEMORY = 10.0  # seconds after the last melt with the flag on, in which its users still complain
MOST_USERS = 50  # who had the flag on last, and may complain

WORDS = {
    "atomicMeltOperations": ("failed_payment", "My payment hangs, and the money is gone from the wallet."),
    "preFlightReconciliation": ("slow", "Paying takes for ever since today."),
}


@dataclass(frozen=True, slots=True)
class Complaint:
    """One complaint as the support of nctool would pass it on."""

    flag: str
    npub: str

    def as_dict(self, key: str, at: int) -> dict[str, object]:
        """As `POST /api/v1/complaints` wants it; `at` is unix seconds."""
        category, text = WORDS[self.flag]
        return {"key": key, "at": at, "npub": self.npub, "flag": self.flag, "category": category, "text": text}


class Complaints:
    """Turns complaints a minute into whole complaints, as time goes by. The users take turns."""

    def __init__(self) -> None:
        self._owed: dict[str, float] = {}
        self._turn = 0

    def due(
        self, faults: Iterable[Fault], recent: Mapping[str, Mapping[str, float]], *, now: float, passed: float
    ) -> list[Complaint]:
        """New complaints after another `passed` seconds. `recent` is by flag: npubs and when they last had it on."""
        found = []
        for fault in faults:
            users = [npub for npub, at in recent.get(fault.flag, {}).items() if now - at < MEMORY]
            if fault.kind is Kind.COMPLAINTS and users:
                owed = self._owed.get(fault.flag, 0.0) + fault.rate * passed / 60
                self._owed[fault.flag] = owed - int(owed)
                for _ in range(int(owed)):
                    self._turn += 1
                    found.append(Complaint(fault.flag, users[self._turn % len(users)]))
        return found
