"""What becomes of an incident, and the words around it."""

from __future__ import annotations

from enum import IntEnum, StrEnum

from core.machine import Machine


class Level(IntEnum):
    """The seed's level1, level2 and level3. A higher number is worse."""

    MINOR = 1
    MAJOR = 2
    CRITICAL = 3


class IncidentState(StrEnum):
    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"
    RESOLVED = "resolved"
    POST_MORTEM = "post_mortem"
    CLOSED = "closed"
    MERGED = "merged"


class Cause(StrEnum):
    """What an incident was opened by."""

    MEASURED = "measured"
    TRIGGER = "trigger"
    ALERT = "alert"
    ROLLBACK = "rollback"
    FLAG = "flag"
    RISK = "risk"
    MIGRATION = "migration"
    PERSON = "person"


class Role(StrEnum):
    """Who leads, who tells the others, who writes down what happens."""

    COMMANDER = "commander"
    COMMUNICATIONS = "communications"
    SCRIBE = "scribe"


class Does(StrEnum):
    """What of an action list the product can do itself, or see that it is done. Everything else is done by hand."""

    WATCH_CLOSELY = "watch_closely"
    TELL_DEVELOPERS = "tell_developers"
    TELL_STAKEHOLDERS = "tell_stakeholders"
    TELL_USERS = "tell_users"
    ACTIVATE_TEAM = "activate_team"
    DISABLE_FEATURES = "disable_features"
    PREPARE_ROLLBACK = "prepare_rollback"
    ROLL_BACK = "roll_back"


S = IncidentState
OPEN = frozenset({S.INVESTIGATING, S.IDENTIFIED, S.MONITORING})
OVER = frozenset({S.CLOSED, S.MERGED})

MACHINE: Machine[IncidentState] = Machine(
    "incident",
    {
        S.INVESTIGATING: frozenset({S.IDENTIFIED, S.MONITORING, S.RESOLVED, S.MERGED}),
        S.IDENTIFIED: frozenset({S.INVESTIGATING, S.MONITORING, S.RESOLVED, S.MERGED}),
        S.MONITORING: frozenset({S.INVESTIGATING, S.IDENTIFIED, S.RESOLVED, S.MERGED}),
        S.RESOLVED: frozenset({S.INVESTIGATING, S.POST_MORTEM, S.CLOSED}),
        S.POST_MORTEM: frozenset({S.CLOSED}),
        S.CLOSED: frozenset(),
        S.MERGED: frozenset(),
    },
)
