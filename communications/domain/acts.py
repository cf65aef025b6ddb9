"""What an announcement does to the thing that it is about, and what belongs together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from communications.domain.alerts import TOPICS, AlertType, Topic, incident
from communications.domain.outgoing import Act

_T = AlertType
_ACTS = {
    _T.INCIDENT_OPENED: Act.OPEN,
    _T.INCIDENT_REOPENED: Act.OPEN,
    _T.INCIDENT_RAISED: Act.OPEN,  # a receiver that was told of a lesser one must ring again
    _T.INCIDENT_LOWERED: Act.UPDATE,
    _T.INCIDENT_ACKNOWLEDGED: Act.ACKNOWLEDGE,
    _T.INCIDENT_UPDATED: Act.UPDATE,
    _T.INCIDENT_STATE: Act.UPDATE,
    _T.INCIDENT_RESOLVED: Act.CLOSE,
    _T.PAGE: Act.OPEN,
    _T.PAGE_UNANSWERED: Act.UPDATE,
    _T.ALERT_FIRING: Act.OPEN,
    _T.ALERT_NO_DATA: Act.UPDATE,
    _T.ALERT_RESOLVED: Act.CLOSE,
    _T.METRICS_SILENT: Act.OPEN,
    _T.METRICS_HEARD: Act.CLOSE,
}


def act(type_: AlertType) -> Act:
    return _ACTS.get(type_, Act.NOTE)


def whole(parts: Sequence[Act]) -> Act:
    """What several messages of one thread do together, told as one: as it is after the last, and that it was opened."""
    if parts[-1] is Act.CLOSE:
        return Act.CLOSE
    return Act.OPEN if Act.OPEN in parts else parts[-1]


def thread(type_: AlertType, subject: str, data: Mapping[str, Any], environment_id: int | None) -> str:
    """What it belongs to and is told in the order of; empty: it stands alone."""
    if incident(data):
        return f"incident:{incident(data)}"
    if TOPICS[type_] is Topic.PAGE:
        return str(data.get("subject") or subject)
    return f"{subject}@{environment_id}" if act(type_) is not Act.NOTE else ""


def group(type_: AlertType, subject: str, environment_id: int | None) -> str:
    """What comes and goes as one: firing and resolved of a rule, a step and the next of a ramp."""
    return f"{TOPICS[type_]}:{subject}@{environment_id}"[:200]
