"""The words an audience gets where nobody has written others, and the values they are filled with."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from communications.domain.alerts import AlertType
from communications.domain.audiences import Content

VALUES = {  # what a wording may use; the second column is for people outside
    "subject": (True, False),
    "headline": (True, False),
    "plain": (True, True),
    "about": (True, False),
    "environment": (True, False),
    "reason": (True, False),
    "by": (True, False),
    "severity": (True, False),
    "level": (True, False),
    "rollback_id": (True, False),
    "facts": (True, False),
    "actions": (True, False),
    "rows": (True, False),
    "title": (True, True),
    "text": (True, True),
    "state": (True, True),
    "components": (True, True),
    "time": (True, True),
    "link": (True, True),
}
INTERNAL = frozenset(name for name, (inside, _) in VALUES.items() if inside)
PUBLIC = frozenset(name for name, (_, outside) in VALUES.items() if outside)


def sample(names: Collection[str]) -> dict[str, Any]:
    """A value for each of these names, to try a template with."""
    lists: dict[str, Any] = {
        "facts": [{"name": "Feature", "value": "x"}],
        "actions": ["Prepare rollback plan"],
        "rows": [{"name": "Error rate", "value": "0.4 %", "note": "better"}],
        "components": ["Wallets"],
        "level": 2,
    }
    return {name: lists.get(name, name) for name in names}


@dataclass(frozen=True, slots=True)
class Words:
    """Three templates. Empty html: the text is all there is."""

    subject: str
    text: str
    html: str = ""


_FACTS_HTML = (
    "<h2>{{ subject }}</h2>{% if text %}<p>{{ text|linebreaksbr }}</p>{% endif %}<table>{% for fact in facts %}<tr>"
    '<th align="left">{{ fact.name }}</th><td>{{ fact.value }}</td></tr>{% endfor %}</table>'
    '{% if link %}<p><a href="{{ link }}">Details</a></p>{% endif %}'
)
_ROWS = (
    "{% for row in rows %}{{ row.name }}: {{ row.value }}{% if row.note %} ({{ row.note }}){% endif %}\n{% endfor %}"
)
_ROWS_HTML = (
    '{% if rows %}<table cellpadding="4">{% for row in rows %}<tr><th align="left">{{ row.name }}</th>'
    "<td>{{ row.value }}</td><td>{{ row.note }}</td></tr>{% endfor %}</table>{% endif %}"
)
_PUBLIC_HTML = (
    "<p>{% if text %}{{ text|linebreaksbr }}{% else %}{{ plain }}{% endif %}</p>"
    '{% if link %}<p><a href="{{ link }}">{{ link }}</a></p>{% endif %}'
)

DEFAULTS: Mapping[Content, Words] = {
    Content.TECHNICAL: Words(
        "{{ subject }}",
        "{{ subject }}\n{% if text %}{{ text }}\n{% endif %}{% if rows %}\n{% endif %}"
        + _ROWS
        + "{% if rows %}\n{% endif %}{% for fact in facts %}{{ fact.name }}: {{ fact.value }}\n{% endfor %}",
        _ROWS_HTML + _FACTS_HTML,
    ),
    Content.OPERATIONS: Words(
        "{{ subject }}",
        "{{ subject }}\n{% if text %}{{ text }}\n{% endif %}{% if reason %}{{ reason }}\n{% endif %}"
        "{% if rollback_id %}Rollback id: {{ rollback_id }}\n{% endif %}"
        "{% if actions %}To be done:\n{% for action in actions %}- {{ action }}\n{% endfor %}{% endif %}"
        "By: {{ by }}\nTime: {{ time }}\n{% if link %}Details: {{ link }}\n{% endif %}",
        _FACTS_HTML,
    ),
    Content.BUSINESS: Words(
        "{{ plain }}{% if environment %} ({{ environment }}){% endif %}",
        "{% if text %}{{ text }}{% else %}{{ plain }}{% endif %}\n"
        "{% if rows %}\n{% endif %}"
        + _ROWS
        + "{% if level %}Incident level {{ level }} of 3, {{ state }}.\n{% endif %}"
        "Time: {{ time }}\n{% if link %}Details: {{ link }}\n{% endif %}",
        "<p>{% if text %}{{ text|linebreaksbr }}{% else %}{{ plain }}{% endif %}</p>"
        + _ROWS_HTML
        + "{% if level %}<p>Incident level {{ level }} of 3, {{ state }}.</p>{% endif %}<p>{{ time }}</p>"
        '{% if link %}<p><a href="{{ link }}">Details</a></p>{% endif %}',
    ),
    Content.SERVICE: Words(
        "{% if title %}{{ title }}{% else %}{{ plain }}{% endif %}",
        "{% if text %}{{ text }}{% else %}{{ plain }}{% endif %}",
        "<p>{% if text %}{{ text|linebreaksbr }}{% else %}{{ plain }}{% endif %}</p>",
    ),
    Content.INTEGRATION: Words(
        "{% if title %}{{ title }}{% else %}{{ plain }}{% endif %}",
        "{% if text %}{{ text }}{% else %}{{ plain }}{% endif %}\n"
        "{% if components %}Affected: {{ components|join:', ' }}\n{% endif %}"
        "Time: {{ time }}\n{% if link %}{{ link }}\n{% endif %}",
        _PUBLIC_HTML,
    ),
}

_T = AlertType
PLAIN = {
    _T.FEATURE_EMERGENCY_DISABLED: "A feature was switched off in an emergency",
    _T.FEATURE_ROLLBACK: "A feature was switched off after problems were measured",
    _T.ROLLBACK_REQUESTED: "A rollback is prepared and waits for a second person",
    _T.ROLLBACK_EMERGENCY: "A rollback was started in an emergency",
    _T.ROLLBACK_STOPPED: "A rollback has stopped and is being looked at",
    _T.ROLLBACK_COMPLETED: "A rollback is done",
    _T.STEP_TAKEN: "A feature is on for more people now",
    _T.ROLLOUT_COMPLETED: "A feature is on for everybody it was meant for",
    _T.TRIGGER_FIRED: "A limit was crossed and is being looked at",
    _T.ALERT_FIRING: "Something is measured that should not be",
    _T.ALERT_RESOLVED: "A problem that was measured is over",
    _T.ALERT_NO_DATA: "Something cannot be measured at the moment",
    _T.METRICS_SILENT: "No measurements arrive at the moment",
    _T.METRICS_HEARD: "Measurements arrive again",
    _T.ERRORS_OPENED: "New errors are being looked at",
    _T.RISK_RAISED: "The risk of the deployment has risen",
    _T.SOURCE_FAILED: "A source of measurements does not answer",
    _T.RULES_FAILING: "Some alerts cannot be evaluated at the moment",
    _T.CHECKLIST_OVERDUE: "Items of a checklist are overdue",
    _T.ACTION_OVERDUE: "Something that was to be improved is overdue",
    _T.MIGRATION_REQUESTED: "A change of the database waits for approval",
    _T.MIGRATION_HELD: "A change of the database has done its first part and waits",
    _T.MIGRATION_FAILED: "A change of the database has failed and is taken back",
    _T.MIGRATION_ROLLED_BACK: "A change of the database was taken back",
    _T.MIGRATION_ROLLBACK_FAILED: "A change of the database could not be taken back yet",
    _T.MIGRATION_COMPLETED: "A change of the database is done",
    _T.INCIDENT_OPENED: "We are investigating a problem",
    _T.INCIDENT_RAISED: "The problem has become more severe; we are working on it",
    _T.INCIDENT_LOWERED: "The problem has become less severe",
    _T.INCIDENT_ACKNOWLEDGED: "Our team is working on the problem",
    _T.INCIDENT_UPDATED: "We are working on the problem",
    _T.INCIDENT_STATE: "We are working on the problem",
    _T.INCIDENT_RESOLVED: "The problem is resolved",
    _T.INCIDENT_REOPENED: "The problem is back, and we are working on it",
    _T.PAGE: "Somebody on call was asked to come",
    _T.PAGE_UNANSWERED: "Nobody on call has answered yet",
    _T.PAGE_LATE: "A call to somebody on call went out late",
    _T.STATUS_PUBLISHED: "The status page was updated",
    _T.SUBSCRIPTION_ASKED: "Please confirm that you want our updates",
    _T.MAINTENANCE_PLANNED: "Maintenance is planned",
    _T.MAINTENANCE_BEGUN: "Maintenance has begun",
    _T.MAINTENANCE_ENDED: "Maintenance is over",
    _T.MAINTENANCE_CANCELLED: "Planned maintenance was cancelled",
    _T.AUDIT_HEADS: "The heads of the event log, to be kept elsewhere",
    _T.AUDIT_BROKEN: "The event log is not as it was sealed",
    _T.REPORT_RELEASED: "A report on how the service did is out",
    _T.KPI_MISSED: "A figure that we promised ourselves has been below its target for days",
    _T.KPI_MET: "A figure that was below its target has reached it again",
}
OF_STATE = {  # news that an incident is in another state
    "identified": "We have found the cause of the problem and are working on it",
    "monitoring": "The problem is mended, and we are watching",
    "resolved": "The problem is resolved",
}


def clip(text: str, limit: int, *, link: str = "") -> str:
    """At most `limit` characters; what is cut off is told, with where the rest is when there is room for it."""
    if len(text) <= limit:
        return text
    rest = f"… (cut off{f': {link}' if link else ''})"
    if len(rest) >= limit:
        return text[: limit - 1] + "…"
    return text[: limit - len(rest)].rstrip() + rest
