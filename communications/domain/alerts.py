"""Which events are announced, how loudly, and by what."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class AlertType(StrEnum):
    """The seed's two critical alerts, and what else operations must hear of."""

    FEATURE_EMERGENCY_DISABLED = "FEATURE_EMERGENCY_DISABLED"
    FEATURE_ROLLBACK = "FEATURE_ROLLBACK"
    ROLLBACK_REQUESTED = "ROLLBACK_REQUESTED"
    ROLLBACK_EMERGENCY = "ROLLBACK_EMERGENCY"
    ROLLBACK_STOPPED = "ROLLBACK_STOPPED"
    ROLLBACK_COMPLETED = "ROLLBACK_COMPLETED"
    STEP_TAKEN = "STEP_TAKEN"
    ROLLOUT_COMPLETED = "ROLLOUT_COMPLETED"
    TRIGGER_FIRED = "TRIGGER_FIRED"
    ALERT_FIRING = "ALERT_FIRING"
    ALERT_RESOLVED = "ALERT_RESOLVED"
    ALERT_NO_DATA = "ALERT_NO_DATA"
    METRICS_SILENT = "METRICS_SILENT"
    METRICS_HEARD = "METRICS_HEARD"
    ERRORS_OPENED = "ERRORS_OPENED"
    RISK_RAISED = "RISK_RAISED"
    SOURCE_FAILED = "SOURCE_FAILED"
    RULES_FAILING = "RULES_FAILING"
    CHECKLIST_OVERDUE = "CHECKLIST_OVERDUE"
    MIGRATION_REQUESTED = "MIGRATION_REQUESTED"
    MIGRATION_HELD = "MIGRATION_HELD"
    MIGRATION_FAILED = "MIGRATION_FAILED"
    MIGRATION_ROLLED_BACK = "MIGRATION_ROLLED_BACK"
    MIGRATION_ROLLBACK_FAILED = "MIGRATION_ROLLBACK_FAILED"
    MIGRATION_COMPLETED = "MIGRATION_COMPLETED"


class Severity(StrEnum):
    CRITICAL = "critical"
    HIGH = "high"
    WARNING = "warning"
    INFO = "info"


class ChannelName(StrEnum):
    SLACK = "slack"
    EMAIL = "email"


ANNOUNCED = {
    "flag.emergency_disabled": AlertType.FEATURE_EMERGENCY_DISABLED,
    "flag.rolled_back": AlertType.FEATURE_ROLLBACK,
    "rollback.requested": AlertType.ROLLBACK_REQUESTED,
    "rollback.confirmed": AlertType.ROLLBACK_EMERGENCY,  # only where one person alone confirmed it
    "rollback.step_failed": AlertType.ROLLBACK_STOPPED,
    "rollback.completed": AlertType.ROLLBACK_COMPLETED,
    "ramp.advanced": AlertType.STEP_TAKEN,  # only where the monitoring level of the step names channels
    "ramp.completed": AlertType.ROLLOUT_COMPLETED,  # only where its last step was taken
    "trigger.fired": AlertType.TRIGGER_FIRED,  # only without a rollback, which is an alert of its own
    "alert.firing": AlertType.ALERT_FIRING,
    "alert.resolved": AlertType.ALERT_RESOLVED,
    "alert.no_data": AlertType.ALERT_NO_DATA,
    "metrics.silent": AlertType.METRICS_SILENT,
    "metrics.heard": AlertType.METRICS_HEARD,
    "error.opened": AlertType.ERRORS_OPENED,  # only those the strategy alerts on
    "risk.level_raised": AlertType.RISK_RAISED,
    "source.failed": AlertType.SOURCE_FAILED,
    "alert_rules.failing": AlertType.RULES_FAILING,
    "checklist.overdue": AlertType.CHECKLIST_OVERDUE,
    "migration.requested": AlertType.MIGRATION_REQUESTED,  # only where somebody has to approve it
    "migration.held": AlertType.MIGRATION_HELD,
    "migration.failed": AlertType.MIGRATION_FAILED,
    "migration.rolled_back": AlertType.MIGRATION_ROLLED_BACK,
    "migration.rollback_failed": AlertType.MIGRATION_ROLLBACK_FAILED,
    "migration.completed": AlertType.MIGRATION_COMPLETED,
}
ALERT_ON_SEVERITY = ("CRITICAL", "HIGH")  # seed, phase 3: alertOnSeverity
_NEWS = (AlertType.ALERT_RESOLVED, AlertType.METRICS_HEARD, AlertType.STEP_TAKEN, AlertType.ROLLOUT_COMPLETED)


def severity(type_: AlertType, data: Mapping[str, Any]) -> Severity:
    """As the event says; what it does not say is critical, and that something is over is only for information."""
    if type_ in _NEWS:
        return Severity.INFO
    told = str(data.get("severity", "")).lower()
    return Severity(told) if told in list(Severity) else Severity.CRITICAL


def subject(data: Mapping[str, Any], of_event: str) -> str:
    """What it is about: the rule, the flag, or what the event is about."""
    return str(data.get("rule") or data.get("flag") or of_event.partition(":")[2] or of_event)
