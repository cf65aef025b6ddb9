"""How levels and factors look and what they are called."""

from __future__ import annotations

from django.utils.safestring import SafeString

from core.templatetags.screen import badge, number
from risk.domain.curves import Factor
from risk.domain.levels import Level, RiskState

LOOK = {
    Level.LOW: ("ok", "verified_user"),
    Level.MEDIUM: ("info", "shield"),
    Level.HIGH: ("warn", "warning"),
    Level.CRITICAL: ("bad", "gpp_bad"),
}
STATES = {
    RiskState.OPEN: ("warn", "radio_button_unchecked"),
    RiskState.MITIGATED: ("ok", "check_circle"),
    RiskState.ACCEPTED: ("info", "handshake"),
    RiskState.CLOSED: ("mute", "task_alt"),
}
NAMES = {
    Factor.ERROR_RATE: "Error rate",
    Factor.RESPONSE_TIME: "Response time",
    Factor.THROUGHPUT: "Throughput",
    Factor.USER_COMPLAINTS: "User complaints",
    Factor.SYSTEM_LOAD: "System load",
}


def level(value: str) -> SafeString:
    """A level as a badge; `unknown` where there is none."""
    return badge(value, *LOOK[Level(value)]) if value else badge("unknown", "warn", "help")


def tone(value: str) -> str:
    return LOOK[Level(value)][0] if value else "warn"


def state(value: str) -> SafeString:
    return badge(value, *STATES[RiskState(value)])


def amount(value: float | None, unit: str) -> str:
    """`912 ms`; `not measured` for what is missing."""
    return "not measured" if value is None else f"{number(value)} {unit}"
