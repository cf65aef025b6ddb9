"""Where a rule and its alerts stand."""

from __future__ import annotations

from enum import StrEnum


class AlertState(StrEnum):
    """Pending: the condition holds, `for` is not over yet. Resolved is final: what comes back is a new alert."""

    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


class Health(StrEnum):
    """What the last evaluation of a rule was worth. No data is never a resolved alert."""

    OK = "ok"
    NO_DATA = "no_data"
    ERROR = "error"
    UNKNOWN = "unknown"


class Origin(StrEnum):
    """Where a rule is from."""

    PLAYBOOK = "playbook"
    IMPORTED = "imported"
    PERSON = "person"


class Via(StrEnum):
    """Who says that an alert fires: our own rules, an Alertmanager, or a Prometheus that takes us for one."""

    RULES = "rules"
    ALERTMANAGER = "alertmanager"
    PROMETHEUS = "prometheus"
