"""Users who complain about a feature they have. Pure: the clock is an argument."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from simulator.faults import Fault, Kind

MEMORY = 10.0  # seconds after the last melt with the flag on, in which its users still complain


class Complaints:
    """Turns complaints a minute into whole complaints, as time goes by."""

    def __init__(self) -> None:
        self._owed: dict[str, float] = {}

    def due(
        self, faults: Iterable[Fault], last_on: Mapping[str, float], *, now: float, passed: float
    ) -> dict[str, int]:
        """New complaints by flag after another `passed` seconds."""
        found: dict[str, int] = {}
        for fault in faults:
            if fault.kind is Kind.COMPLAINTS and now - last_on.get(fault.flag, -MEMORY) < MEMORY:
                owed = self._owed.get(fault.flag, 0.0) + fault.rate * passed / 60
                found[fault.flag] = int(owed)
                self._owed[fault.flag] = owed - int(owed)
        return {flag: count for flag, count in found.items() if count}
