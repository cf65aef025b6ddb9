"""What an alert says, in words and in the seed's fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from communications.domain.alerts import AlertType, Severity

HEADLINES = {
    AlertType.FEATURE_EMERGENCY_DISABLED: "EMERGENCY DISABLE",
    AlertType.FEATURE_ROLLBACK: "ROLLBACK",
    AlertType.ROLLBACK_REQUESTED: "ROLLBACK ASKED FOR",
    AlertType.ROLLBACK_EMERGENCY: "ROLLBACK BY ONE PERSON ALONE",
    AlertType.ROLLBACK_STOPPED: "ROLLBACK HAS STOPPED",
    AlertType.ROLLBACK_COMPLETED: "ROLLBACK DONE",
    AlertType.STEP_TAKEN: "STEP TAKEN",
    AlertType.ROLLOUT_COMPLETED: "Rollout completed",
    AlertType.TRIGGER_FIRED: "TRIGGER FIRED",
    AlertType.ALERT_FIRING: "ALERT",
    AlertType.ALERT_RESOLVED: "RESOLVED",
    AlertType.ALERT_NO_DATA: "ALERT WITHOUT DATA",
    AlertType.METRICS_SILENT: "NO MEASUREMENTS",
    AlertType.METRICS_HEARD: "MEASUREMENTS ARE BACK",
    AlertType.ERRORS_OPENED: "NEW ERRORS",
    AlertType.RISK_RAISED: "RISK",
    AlertType.SOURCE_FAILED: "DATA SOURCE FAILS",
    AlertType.RULES_FAILING: "RULES CANNOT BE EVALUATED",
    AlertType.CHECKLIST_OVERDUE: "OVERDUE",
    AlertType.ACTION_OVERDUE: "ACTION ITEM OVERDUE",
    AlertType.MIGRATION_REQUESTED: "MIGRATION ASKED FOR",
    AlertType.MIGRATION_HELD: "MIGRATION WAITS AFTER ITS CANARY",
    AlertType.MIGRATION_FAILED: "MIGRATION FAILED",
    AlertType.MIGRATION_ROLLED_BACK: "MIGRATION TAKEN BACK",
    AlertType.MIGRATION_ROLLBACK_FAILED: "MIGRATION CANNOT BE TAKEN BACK",
    AlertType.MIGRATION_COMPLETED: "MIGRATION DONE",
    AlertType.INCIDENT_OPENED: "INCIDENT",
    AlertType.INCIDENT_RAISED: "INCIDENT WORSE",
    AlertType.INCIDENT_LOWERED: "INCIDENT LESS SEVERE",
    AlertType.INCIDENT_ACKNOWLEDGED: "INCIDENT TAKEN",
    AlertType.INCIDENT_UPDATED: "INCIDENT UPDATE",
    AlertType.INCIDENT_STATE: "INCIDENT UPDATE",
    AlertType.INCIDENT_RESOLVED: "INCIDENT RESOLVED",
    AlertType.INCIDENT_REOPENED: "INCIDENT IS BACK",
    AlertType.PAGE: "YOU ARE NEEDED",
    AlertType.PAGE_UNANSWERED: "NOBODY ANSWERS",
    AlertType.PAGE_LATE: "ESCALATION IS LATE",
    AlertType.STATUS_PUBLISHED: "STATUS PAGE",
    AlertType.SUBSCRIPTION_ASKED: "PLEASE CONFIRM",
    AlertType.MAINTENANCE_PLANNED: "MAINTENANCE PLANNED",
    AlertType.MAINTENANCE_BEGUN: "MAINTENANCE HAS BEGUN",
    AlertType.MAINTENANCE_ENDED: "MAINTENANCE IS OVER",
    AlertType.MAINTENANCE_CANCELLED: "MAINTENANCE CANCELLED",
    AlertType.AUDIT_HEADS: "HEADS TO KEEP",
    AlertType.AUDIT_BROKEN: "EVENT LOG BROKEN",
    AlertType.REPORT_RELEASED: "REPORT",
    AlertType.KPI_MISSED: "TARGET MISSED",
    AlertType.KPI_MET: "Target reached again",
}
_OUTCOMES = {
    AlertType.FEATURE_EMERGENCY_DISABLED: " is off",
    AlertType.FEATURE_ROLLBACK: " is off",
    AlertType.TRIGGER_FIRED: ", nothing was rolled back",
}
MAX_REASON = 1500  # Slack refuses a block of more than 3000 characters


@dataclass(frozen=True, slots=True)
class Message:
    """One alert as a channel sends it. `key` is the same in every repeat, so that a reader can tell one.

    `facts` are more fields, for programs alone. `evidence` are measured numbers, ready to read; `link` is empty when
    the system has no public address.
    """

    key: str
    type: AlertType
    feature: str
    environment: str
    reason: str
    actor: str
    at: datetime
    severity: Severity = Severity.CRITICAL
    rollback_id: str = ""
    evidence: tuple[tuple[str, str], ...] = ()
    link: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def headline(self) -> str:
        """What happened to what, where."""
        where = f" in {self.environment}" if self.environment else ""
        return f"{HEADLINES[self.type]}: {self.feature}{where}{_OUTCOMES.get(self.type, '')}"

    @property
    def subject(self) -> str:
        """One line, for lists, mail subjects and notifications."""
        return f"[{self.severity.value.upper()}] {self.headline}"

    @property
    def lines(self) -> tuple[tuple[str, str], ...]:
        """The facts, each with its name."""
        found = [
            ("Feature" if self.type in _OUTCOMES else "About", self.feature),
            ("Environment", self.environment),
            ("Reason", one_line(self.reason, MAX_REASON)),
            ("By", self.actor),
            ("Rollback id", self.rollback_id),
            *self.evidence,
            ("Time", f"{self.at:%Y-%m-%d %H:%M:%S} {self.at.tzname()}"),
            ("Details", self.link),
        ]
        return tuple((name, value) for name, value in found if value)

    @property
    def text(self) -> str:
        """Subject and facts as plain text."""
        return "\n".join([self.subject, *(f"{name}: {value}" for name, value in self.lines)])

    @property
    def fields(self) -> dict[str, str]:
        """The seed's fields of a critical alert (Emergency Feature Disable, Feature Flag Rollback)."""
        found = {
            "type": self.type.value,
            "feature": self.feature,
            "environment": self.environment,
            "reason": self.reason,
            "rollbackId": self.rollback_id,
            "timestamp": self.at.isoformat(),
            **self.facts,
        }
        return {name: value for name, value in found.items() if value}


def read_evidence(evidence: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The single numbers and words of an event's evidence, for a reader; nested parts stay with the event."""
    return tuple(
        (name.replace("_", " ").capitalize(), f"{value:g}" if isinstance(value, float) else str(value))
        for name, value in evidence.items()
        if isinstance(value, str | int | float) and not isinstance(value, bool)
    )


def one_line(text: str, limit: int) -> str:
    """White space and line breaks folded into single blanks, at most `limit` characters."""
    folded = " ".join(text.split())
    return folded if len(folded) <= limit else folded[: limit - 1] + "…"
