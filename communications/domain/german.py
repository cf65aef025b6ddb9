"""The default words in German. Facts, and the headline that people inside read, are the product's own, in English."""

from __future__ import annotations

from collections.abc import Mapping

from communications.domain.alerts import AlertType
from communications.domain.audiences import Content
from communications.domain.wording import DEFAULTS as ENGLISH
from communications.domain.wording import Words

DEFAULTS: Mapping[Content, Words] = {
    Content.TECHNICAL: ENGLISH[Content.TECHNICAL],  # facts alone
    Content.OPERATIONS: Words(
        "{{ subject }}",
        "{{ subject }}\n{% if text %}{{ text }}\n{% endif %}{% if reason %}{{ reason }}\n{% endif %}"
        "{% if rollback_id %}Rollback: {{ rollback_id }}\n{% endif %}"
        "{% if actions %}Zu tun:\n{% for action in actions %}- {{ action }}\n{% endfor %}{% endif %}"
        "Von: {{ by }}\nZeit: {{ time }}\n{% if link %}Mehr dazu: {{ link }}\n{% endif %}",
        ENGLISH[Content.OPERATIONS].html.replace(">Details<", ">Mehr dazu<"),
    ),
    Content.BUSINESS: Words(
        "{{ plain }}{% if environment %} ({{ environment }}){% endif %}",
        "{% if text %}{{ text }}{% else %}{{ plain }}{% endif %}\n"
        "{% if level %}Vorfall der Stufe {{ level }} von 3: {{ state }}.\n{% endif %}"
        "Zeit: {{ time }}\n{% if link %}Mehr dazu: {{ link }}\n{% endif %}",
        "<p>{% if text %}{{ text|linebreaksbr }}{% else %}{{ plain }}{% endif %}</p>"
        "{% if level %}<p>Vorfall der Stufe {{ level }} von 3: {{ state }}.</p>{% endif %}<p>{{ time }}</p>"
        '{% if link %}<p><a href="{{ link }}">Mehr dazu</a></p>{% endif %}',
    ),
    Content.SERVICE: ENGLISH[Content.SERVICE],  # values alone, which are German already
    Content.INTEGRATION: Words(
        "{% if title %}{{ title }}{% else %}{{ plain }}{% endif %}",
        "{% if text %}{{ text }}{% else %}{{ plain }}{% endif %}\n"
        "{% if components %}Betroffen: {{ components|join:', ' }}\n{% endif %}"
        "Zeit: {{ time }}\n{% if link %}{{ link }}\n{% endif %}",
        ENGLISH[Content.INTEGRATION].html,
    ),
}

_T = AlertType
PLAIN = {
    _T.FEATURE_EMERGENCY_DISABLED: "Eine Funktion wurde im Notfall abgeschaltet",
    _T.FEATURE_ROLLBACK: "Eine Funktion wurde abgeschaltet, nachdem Probleme gemessen wurden",
    _T.ROLLBACK_REQUESTED: "Eine Rücknahme ist vorbereitet und wartet auf eine zweite Person",
    _T.ROLLBACK_EMERGENCY: "Eine Rücknahme wurde im Notfall begonnen",
    _T.ROLLBACK_STOPPED: "Eine Rücknahme ist stehen geblieben und wird untersucht",
    _T.ROLLBACK_COMPLETED: "Eine Rücknahme ist abgeschlossen",
    _T.STEP_TAKEN: "Eine Funktion ist jetzt für mehr Menschen eingeschaltet",
    _T.ROLLOUT_COMPLETED: "Eine Funktion ist jetzt für alle eingeschaltet, für die sie gedacht war",
    _T.TRIGGER_FIRED: "Ein Grenzwert wurde überschritten; das wird untersucht",
    _T.ALERT_FIRING: "Es wird etwas gemessen, das nicht sein sollte",
    _T.ALERT_RESOLVED: "Ein gemessenes Problem ist vorbei",
    _T.ALERT_NO_DATA: "Etwas lässt sich derzeit nicht messen",
    _T.METRICS_SILENT: "Derzeit kommen keine Messwerte an",
    _T.METRICS_HEARD: "Es kommen wieder Messwerte an",
    _T.ERRORS_OPENED: "Neue Fehler werden untersucht",
    _T.RISK_RAISED: "Das Risiko der Einführung ist gestiegen",
    _T.SOURCE_FAILED: "Eine Quelle von Messwerten antwortet nicht",
    _T.RULES_FAILING: "Einige Alarme lassen sich derzeit nicht auswerten",
    _T.CHECKLIST_OVERDUE: "Punkte einer Checkliste sind überfällig",
    _T.ACTION_OVERDUE: "Etwas, das verbessert werden sollte, ist überfällig",
    _T.AUDIT_HEADS: "Die Prüfsummen des Protokolls, zum Aufbewahren an anderer Stelle",
    _T.AUDIT_BROKEN: "Das Protokoll ist nicht mehr, wie es versiegelt wurde",
    _T.REPORT_RELEASED: "Ein Bericht über den Betrieb ist erschienen",
    _T.KPI_MISSED: "Eine Kennzahl verfehlt seit Tagen ihr Ziel",
    _T.KPI_MET: "Eine Kennzahl erreicht ihr Ziel wieder",
    _T.MIGRATION_REQUESTED: "Eine Änderung der Datenbank wartet auf Freigabe",
    _T.MIGRATION_HELD: "Eine Änderung der Datenbank hat ihren ersten Teil getan und wartet",
    _T.MIGRATION_FAILED: "Eine Änderung der Datenbank ist gescheitert und wird zurückgenommen",
    _T.MIGRATION_ROLLED_BACK: "Eine Änderung der Datenbank wurde zurückgenommen",
    _T.MIGRATION_ROLLBACK_FAILED: "Eine Änderung der Datenbank ließ sich noch nicht zurücknehmen",
    _T.MIGRATION_COMPLETED: "Eine Änderung der Datenbank ist abgeschlossen",
    _T.INCIDENT_OPENED: "Wir untersuchen ein Problem",
    _T.INCIDENT_RAISED: "Das Problem ist größer geworden; wir arbeiten daran",
    _T.INCIDENT_LOWERED: "Das Problem ist kleiner geworden",
    _T.INCIDENT_ACKNOWLEDGED: "Unser Team arbeitet an dem Problem",
    _T.INCIDENT_UPDATED: "Wir arbeiten an dem Problem",
    _T.INCIDENT_STATE: "Wir arbeiten an dem Problem",
    _T.INCIDENT_RESOLVED: "Das Problem ist behoben",
    _T.INCIDENT_REOPENED: "Das Problem ist wieder da; wir arbeiten daran",
    _T.PAGE: "Jemand in Bereitschaft wurde gerufen",
    _T.PAGE_UNANSWERED: "Noch hat niemand in Bereitschaft geantwortet",
    _T.PAGE_LATE: "Ein Ruf an die Bereitschaft ging zu spät hinaus",
    _T.STATUS_PUBLISHED: "Die Statusseite wurde aktualisiert",
    _T.SUBSCRIPTION_ASKED: "Bitte bestätigen Sie, dass Sie unsere Nachrichten möchten",
    _T.MAINTENANCE_PLANNED: "Eine Wartung ist geplant",
    _T.MAINTENANCE_BEGUN: "Eine Wartung hat begonnen",
    _T.MAINTENANCE_ENDED: "Eine Wartung ist beendet",
    _T.MAINTENANCE_CANCELLED: "Eine geplante Wartung wurde abgesagt",
}
OF_STATE = {  # news that an incident is in another state
    "identified": "Wir haben die Ursache des Problems gefunden und arbeiten daran",
    "monitoring": "Das Problem ist behoben; wir beobachten, ob es so bleibt",
    "resolved": "Das Problem ist behoben",
}
STATES = {
    "investigating": "wird untersucht",
    "identified": "Ursache gefunden",
    "monitoring": "wird beobachtet",
    "resolved": "behoben",
    "post_mortem": "wird nachbereitet",
    "closed": "abgeschlossen",
    "merged": "zusammengelegt",
}
