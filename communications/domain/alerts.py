"""Which events are announced, how loudly, and by what."""

from __future__ import annotations

from enum import StrEnum


class AlertType(StrEnum):
    """The seed's two critical alerts, and a trigger that fired but found nothing to roll back."""

    FEATURE_EMERGENCY_DISABLED = "FEATURE_EMERGENCY_DISABLED"
    FEATURE_ROLLBACK = "FEATURE_ROLLBACK"
    TRIGGER_FIRED = "TRIGGER_FIRED"


class Severity(StrEnum):
    CRITICAL = "critical"


class ChannelName(StrEnum):
    SLACK = "slack"
    EMAIL = "email"


ANNOUNCED = {
    "flag.emergency_disabled": AlertType.FEATURE_EMERGENCY_DISABLED,
    "flag.rolled_back": AlertType.FEATURE_ROLLBACK,
    "trigger.fired": AlertType.TRIGGER_FIRED,  # only without a rollback, which is an alert of its own
}
