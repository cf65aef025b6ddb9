"""A signed POST to any address outside (docs/channels.md tells receivers how to check it)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence

import orjson

from communications.adapters.answers import failure
from communications.adapters.exchange import DEADLINE, Exchange
from communications.domain.delivery import Failure
from communications.domain.outgoing import Outgoing, Receipt
from core.addresses import Network

VERSION = "v1"


class Webhook:
    """`secret` signs; without one nothing is signed. `now` gives unix seconds: a receiver refuses what is old. Public
    addresses and `allowed` networks are all that it leads to."""

    def __init__(
        self,
        url: str,
        secret: str,
        *,
        allowed: Sequence[Network],
        now: Callable[[], float],
        seconds: float = DEADLINE,
    ) -> None:
        self._url, self._secret, self._allowed, self._now, self._seconds = url, secret, allowed, now, seconds

    def send(self, message: Outgoing) -> Receipt | Failure:
        body, timestamp = orjson.dumps(document(message)), str(int(self._now()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "nctool-rollout",
            "Idempotency-Key": message.key,
            "X-Rollout-Timestamp": timestamp,
        }
        if self._secret:
            headers["X-Rollout-Signature"] = f"{VERSION}={signature(self._secret, timestamp, body)}"
        url = message.target or self._url
        if not url:
            return Failure("It has no address: it is for subscribers of the status page alone.", permanent=True)
        secrets = [self._secret] if self._secret else []
        exchange = Exchange(secrets=secrets, allowed=self._allowed, seconds=self._seconds)
        answer = exchange.post(url, body, headers)
        if isinstance(answer, Failure):
            return answer
        wrong = failure(answer, secrets=secrets)
        return wrong or Receipt(answer=f"HTTP {answer.status}")


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 in hex of `<timestamp>.<body>`: neither can be changed or sent again later."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def document(message: Outgoing) -> dict[str, object]:
    return {
        "key": message.key,
        "subject": message.subject,
        "text": message.text,
        "severity": message.severity.value,
        "at": message.at.isoformat(),
        "link": message.link,
        "act": message.act.value,
        "thread": message.thread,
        "fields": dict(message.fields),
    }
