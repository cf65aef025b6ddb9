"""Alertmanager's API v2: silences, inhibition and routes stay there."""

from __future__ import annotations

import base64
from datetime import timedelta

import orjson

from communications.adapters.answers import failure
from communications.adapters.exchange import Exchange
from communications.domain.delivery import Failure
from communications.domain.outgoing import Act, Outgoing, Receipt

LASTS = timedelta(hours=4)  # of one that has a state: nobody tells Alertmanager again that it still holds
NOTE_LASTS = timedelta(minutes=5)


class Alertmanager:
    """With a user name the secret is its password, without one a bearer token; no secret: nobody is asked."""

    def __init__(self, base_url: str, *, username: str = "", secret: str = "") -> None:
        self._url, self._secret = f"{base_url.rstrip('/')}/api/v2/alerts", secret
        self._headers = {"Content-Type": "application/json"}
        if secret and username:
            self._headers["Authorization"] = f"Basic {base64.b64encode(f'{username}:{secret}'.encode()).decode()}"
        elif secret:
            self._headers["Authorization"] = f"Bearer {secret}"

    def send(self, message: Outgoing) -> Receipt | Failure:
        secrets = [self._secret] if self._secret else []
        answer = Exchange(secrets=secrets).post(self._url, orjson.dumps([alert(message)]), self._headers)
        if isinstance(answer, Failure):
            return answer
        return failure(answer, secrets=secrets) or Receipt(answer=f"HTTP {answer.status}")


def alert(message: Outgoing) -> dict[str, object]:
    """The same labels are the same alert there, so nothing that changes is one of them."""
    labels = {
        "alertname": "NctoolRollout",
        "thread": message.thread or message.key,
        "environment": message.fields.get("environment", ""),
    }
    ends = message.at if message.act is Act.CLOSE else message.at + (NOTE_LASTS if message.act is Act.NOTE else LASTS)
    return {
        "labels": {name: value for name, value in labels.items() if value},
        "annotations": {"summary": message.subject, "description": message.text, "severity": message.severity.value},
        "startsAt": message.at.isoformat(),
        "endsAt": ends.isoformat(),
        **({"generatorURL": message.link} if message.link else {}),
    }
