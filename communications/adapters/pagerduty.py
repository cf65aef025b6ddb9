"""PagerDuty's Events API v2."""

from __future__ import annotations

from typing import Any

import orjson

from communications.adapters.answers import failure
from communications.adapters.exchange import Exchange
from communications.domain.alerts import Severity
from communications.domain.delivery import Failure
from communications.domain.message import one_line
from communications.domain.outgoing import Act, Outgoing, Receipt

BASE_URL = "https://events.pagerduty.com"
_SEVERITIES = {
    Severity.CRITICAL: "critical",
    Severity.HIGH: "error",
    Severity.WARNING: "warning",
    Severity.INFO: "info",
}
_ACTIONS = {Act.ACKNOWLEDGE: "acknowledge", Act.CLOSE: "resolve"}


class PagerDuty:
    """A thread is one alert there (`dedup_key`): opened or changed by trigger, acknowledged, resolved."""

    def __init__(self, routing_key: str, *, base_url: str = BASE_URL) -> None:
        self._key, self._url = routing_key, f"{base_url.rstrip('/')}/v2/enqueue"

    def send(self, message: Outgoing) -> Receipt | Failure:
        body = orjson.dumps(self._event(message))
        answer = Exchange(secrets=[self._key]).post(self._url, body, {"Content-Type": "application/json"})
        if isinstance(answer, Failure):
            return answer
        wrong = failure(answer, secrets=[self._key])
        if wrong is not None:
            return wrong
        if answer.status != 202:
            told = f"HTTP {answer.status} where PagerDuty says 202: is {self._url} PagerDuty's?"
            return Failure(told, permanent=True)
        return Receipt(reference=message.thread or message.key, answer="accepted")

    def _event(self, message: Outgoing) -> dict[str, Any]:
        action = _ACTIONS.get(message.act, "trigger")
        event: dict[str, Any] = {
            "routing_key": self._key,
            "event_action": action,
            "dedup_key": (message.thread or message.key)[:255],
        }
        if action == "trigger":
            event["payload"] = {
                "summary": one_line(message.subject, 1024),
                "severity": _SEVERITIES[message.severity],
                "source": message.fields.get("environment") or "nctool rollout",
                "timestamp": message.at.isoformat(),
                "custom_details": {**message.fields, "text": message.text, "key": message.key},
            }
            event["client"] = "nctool rollout"
            event["links"] = [{"href": message.link, "text": "Details"}] if message.link else []
        return event
