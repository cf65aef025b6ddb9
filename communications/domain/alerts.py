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
    ACTION_OVERDUE = "ACTION_OVERDUE"
    MIGRATION_REQUESTED = "MIGRATION_REQUESTED"
    MIGRATION_HELD = "MIGRATION_HELD"
    MIGRATION_FAILED = "MIGRATION_FAILED"
    MIGRATION_ROLLED_BACK = "MIGRATION_ROLLED_BACK"
    MIGRATION_ROLLBACK_FAILED = "MIGRATION_ROLLBACK_FAILED"
    MIGRATION_COMPLETED = "MIGRATION_COMPLETED"
    INCIDENT_OPENED = "INCIDENT_OPENED"
    INCIDENT_RAISED = "INCIDENT_RAISED"
    INCIDENT_LOWERED = "INCIDENT_LOWERED"
    INCIDENT_ACKNOWLEDGED = "INCIDENT_ACKNOWLEDGED"
    INCIDENT_UPDATED = "INCIDENT_UPDATED"
    INCIDENT_STATE = "INCIDENT_STATE"
    INCIDENT_RESOLVED = "INCIDENT_RESOLVED"
    INCIDENT_REOPENED = "INCIDENT_REOPENED"
    PAGE = "PAGE"
    PAGE_UNANSWERED = "PAGE_UNANSWERED"
    PAGE_LATE = "PAGE_LATE"
    STATUS_PUBLISHED = "STATUS_PUBLISHED"
    SUBSCRIPTION_ASKED = "SUBSCRIPTION_ASKED"
    MAINTENANCE_PLANNED = "MAINTENANCE_PLANNED"
    MAINTENANCE_BEGUN = "MAINTENANCE_BEGUN"
    MAINTENANCE_ENDED = "MAINTENANCE_ENDED"
    MAINTENANCE_CANCELLED = "MAINTENANCE_CANCELLED"
    AUDIT_HEADS = "AUDIT_HEADS"
    AUDIT_BROKEN = "AUDIT_BROKEN"
    REPORT_RELEASED = "REPORT_RELEASED"
    KPI_MISSED = "KPI_MISSED"
    KPI_MET = "KPI_MET"


class Severity(StrEnum):
    CRITICAL = "critical"
    HIGH = "high"
    WARNING = "warning"
    INFO = "info"


class Topic(StrEnum):
    """What audiences choose by: the rows of the communication plan."""

    EMERGENCY = "emergency"
    ROLLBACK = "rollback"
    RAMP = "ramp"
    ALERT = "alert"
    RISK = "risk"
    MIGRATION = "migration"
    WORK = "work"
    INCIDENT = "incident"
    PAGE = "page"
    STATUS = "status"
    AUDIT = "audit"
    REPORT = "report"
    KPI = "kpi"


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
    "action.overdue": AlertType.ACTION_OVERDUE,
    "migration.requested": AlertType.MIGRATION_REQUESTED,  # only where somebody has to approve it
    "migration.held": AlertType.MIGRATION_HELD,
    "migration.failed": AlertType.MIGRATION_FAILED,
    "migration.rolled_back": AlertType.MIGRATION_ROLLED_BACK,
    "migration.rollback_failed": AlertType.MIGRATION_ROLLBACK_FAILED,
    "migration.completed": AlertType.MIGRATION_COMPLETED,
    "incident.opened": AlertType.INCIDENT_OPENED,
    "incident.level_raised": AlertType.INCIDENT_RAISED,
    "incident.level_lowered": AlertType.INCIDENT_LOWERED,
    "incident.acknowledged": AlertType.INCIDENT_ACKNOWLEDGED,
    "incident.updated": AlertType.INCIDENT_UPDATED,
    "incident.state_changed": AlertType.INCIDENT_STATE,
    "incident.resolved": AlertType.INCIDENT_RESOLVED,
    "incident.reopened": AlertType.INCIDENT_REOPENED,
    "escalation.notified": AlertType.PAGE,
    "escalation.exhausted": AlertType.PAGE_UNANSWERED,
    "escalation.impossible": AlertType.PAGE_UNANSWERED,
    "escalation.late": AlertType.PAGE_LATE,
    "status.published": AlertType.STATUS_PUBLISHED,
    "status.subscription_asked": AlertType.SUBSCRIPTION_ASKED,
    "maintenance.planned": AlertType.MAINTENANCE_PLANNED,
    "maintenance.begun": AlertType.MAINTENANCE_BEGUN,
    "maintenance.ended": AlertType.MAINTENANCE_ENDED,
    "maintenance.cancelled": AlertType.MAINTENANCE_CANCELLED,
    "audit.heads": AlertType.AUDIT_HEADS,
    "audit.broken": AlertType.AUDIT_BROKEN,
    "report.released": AlertType.REPORT_RELEASED,
    "kpi.missed": AlertType.KPI_MISSED,
    "kpi.met": AlertType.KPI_MET,
}
_TOPICS = {  # by how the kind of the event begins
    "flag": Topic.EMERGENCY,
    "rollback": Topic.ROLLBACK,
    "ramp": Topic.RAMP,
    "risk": Topic.RISK,
    "migration": Topic.MIGRATION,
    "checklist": Topic.WORK,
    "action": Topic.WORK,
    "incident": Topic.INCIDENT,
    "escalation": Topic.PAGE,
    "status": Topic.STATUS,
    "maintenance": Topic.STATUS,
    "audit": Topic.AUDIT,
    "report": Topic.REPORT,
    "kpi": Topic.KPI,
}
TOPICS = {type_: _TOPICS.get(kind.partition(".")[0], Topic.ALERT) for kind, type_ in ANNOUNCED.items()}
INSIDE_ONLY = (AlertType.INCIDENT_ACKNOWLEDGED, AlertType.INCIDENT_LOWERED)  # no news for people outside
ALERT_ON_SEVERITY = ("CRITICAL", "HIGH")  # seed, phase 3: alertOnSeverity
_NEWS = (
    AlertType.ALERT_RESOLVED,
    AlertType.METRICS_HEARD,
    AlertType.STEP_TAKEN,
    AlertType.ROLLOUT_COMPLETED,
    AlertType.INCIDENT_LOWERED,
    AlertType.INCIDENT_ACKNOWLEDGED,
    AlertType.INCIDENT_RESOLVED,
    AlertType.SUBSCRIPTION_ASKED,
    AlertType.REPORT_RELEASED,
    AlertType.KPI_MET,
)
_OF_LEVEL = {1: Severity.WARNING, 2: Severity.HIGH, 3: Severity.CRITICAL}


def severity(type_: AlertType, data: Mapping[str, Any]) -> Severity:
    """As the event says, by its severity or by the level of its incident; that something is over is information.

    What an event does not say is critical, but of the status page, which nobody is called for.
    """
    if type_ in _NEWS:
        return Severity.INFO
    told = str(data.get("severity", "")).lower()
    if told in list(Severity):
        return Severity(told)
    if level(data):
        return _OF_LEVEL[level(data)]
    return Severity.INFO if TOPICS[type_] is Topic.STATUS else Severity.CRITICAL


def level(data: Mapping[str, Any]) -> int:
    """The level of the incident that the event is about, 1 to 3; 0: it is about none."""
    told = data.get("level")
    return told if isinstance(told, int) and told in _OF_LEVEL else 0


def incident(data: Mapping[str, Any]) -> int:
    """The number of the incident that the event is about; 0: none. What the public sees has names of its own."""
    number = data.get("incident")
    return number if isinstance(number, int) else 0


def leads_to(data: Mapping[str, Any]) -> str:
    """The subject whose page tells more, such as `report:3`: what the event says, or its incident; "": the alert."""
    number = incident(data)
    return str(data.get("leads_to") or (f"incident:{number}" if number else ""))


def subject(data: Mapping[str, Any], of_event: str) -> str:
    """What it is about: the incident, the rule, the flag, or what the event is about."""
    if incident(data) and data.get("title"):
        return f"#{incident(data)} {data['title']}"
    return str(data.get("title") or data.get("rule") or data.get("flag") or of_event.partition(":")[2] or of_event)
