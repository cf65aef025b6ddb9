"""How bad: of the score, and of a risk in the register (seed: Risk Assessment)."""

from __future__ import annotations

from enum import StrEnum


class Level(StrEnum):
    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"


class RiskState(StrEnum):
    """Of a risk in the register."""

    OPEN = "open"
    MITIGATED = "mitigated"
    ACCEPTED = "accepted"
    CLOSED = "closed"
