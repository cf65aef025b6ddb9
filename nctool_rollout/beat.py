"""Everything that happens by the clock, in one table. Seconds.

`expires` drops a tick that waited too long: the next one does its work.
"""

from __future__ import annotations

from typing import Any


def _every(seconds: float, task: str) -> dict[str, Any]:
    return {"task": task, "schedule": seconds, "options": {"expires": seconds * 2}}


SCHEDULE = {
    "record": _every(10, "monitoring.tasks.record"),
    "pull": _every(5, "monitoring.tasks.pull"),
    "databases": _every(30, "reports.tasks.measure_databases"),
    "roll-up": _every(60, "monitoring.tasks.roll_up"),
    "guard": _every(10, "monitoring.tasks.guard"),
    "ramps": _every(30, "rollouts.tasks.advance"),
    "follow": _every(5, "rollouts.tasks.follow"),
    "migration-errors": _every(15, "rollouts.tasks.report_migration_errors"),
    "validate": _every(5, "rollouts.tasks.validate"),
    "alerts": _every(15, "alerting.tasks.evaluate"),
    "alerts-elsewhere": _every(15, "alerting.tasks.evaluate_elsewhere"),
    "forget-received": _every(3600, "alerting.tasks.forget_received"),
    "kpis": _every(300, "kpis.tasks.record"),
    "forget-kpis": _every(3600, "kpis.tasks.forget"),
    "risk": _every(60, "risk.tasks.assess"),
    "forget-risk": _every(3600, "risk.tasks.forget"),
    "requests": _every(10, "approvals.tasks.tick"),
    "plans": _every(15, "plans.tasks.look"),
    "rollbacks": _every(5, "rollbacks.tasks.tick"),
    "maintenances": _every(10, "statuspage.tasks.tick"),
    "forget-subscriptions": _every(3600, "statuspage.tasks.forget_subscriptions"),
    "incidents": _every(5, "incidents.tasks.follow"),
    "incidents-watch": _every(10, "incidents.tasks.watch"),
    "escalate": _every(2, "oncall.tasks.tick"),
    "audit-escalations": _every(30, "oncall.tasks.audit"),
    "calendars": _every(60, "oncall.tasks.refresh"),
    "actions-late": _every(300, "improvement.tasks.tell_late"),
    "complaints": _every(10, "monitoring.tasks.count_complaints"),
    "forget-complaints": _every(3600, "monitoring.tasks.forget_complaints"),
    "errors": _every(30, "monitoring.tasks.follow_errors"),
    "reports": _every(60, "reports.tasks.make_due"),
    "prune": _every(3600, "monitoring.tasks.prune"),
    "replies": _every(3600, "flags.tasks.forget_replies"),
    "usage": _every(3600, "flags.tasks.tidy_usage"),
    "forget-visits": _every(3600, "core.tasks.forget_visits"),
    "seal": _every(5, "audit.tasks.seal"),
    "verify": _every(10, "audit.tasks.verify"),
    "heads": _every(600, "audit.tasks.send_heads"),
    "forget": _every(3600, "audit.tasks.forget"),
}
