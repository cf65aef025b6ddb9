"""Slack incoming webhooks, through the official client."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from slack_sdk.webhook import WebhookClient, WebhookResponse

from communications.domain.delivery import Failure, without_secrets
from communications.domain.message import Message, one_line

TIMEOUT = 5
TEMPORARY = {408, 425, 429}


class SlackWebhook:
    """Posts to one webhook URL. The URL is the secret: it never leaves this object."""

    def __init__(self, url: str, *, timeout: int = TIMEOUT) -> None:
        self._secrets = _parts(url)
        # Our rows are the retry, so the client has none. Its log lines name the URL, so they go nowhere.
        silent = logging.Logger("slack-webhook", level=logging.CRITICAL + 1)
        self._client = WebhookClient(url, timeout=timeout, logger=silent, retry_handlers=[])

    def send(self, message: Message) -> Failure | None:
        try:
            response = self._client.send_dict(payload(message))
        except Exception as error:
            reason = getattr(error, "reason", error)
            return Failure(without_secrets(f"{type(error).__name__}: {reason}", self._secrets))
        return self._read(response)

    def _read(self, response: WebhookResponse) -> Failure | None:
        status, body = response.status_code, response.body.strip()
        if status == 200 and body == "ok":
            return None
        error = without_secrets(f"HTTP {status}: {body}", self._secrets)
        if status == 200:
            # A log-in page of a proxy also says 200; an alert must not vanish there.
            return Failure(f"{error} (not the `ok` of a Slack webhook)", permanent=True)
        permanent = 300 <= status < 500 and status not in TEMPORARY
        return Failure(error, permanent=permanent, retry_after=retry_after(response.headers))


def payload(message: Message) -> dict[str, Any]:
    """The request body: a text for notifications, blocks for readers, the seed's fields and key as metadata."""
    facts = "\n".join(f"*{name}:* {_plain(one_line(value, 500))}" for name, value in message.lines)
    return {
        "text": _plain(message.subject),
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": message.subject[:150]}},
            {"type": "section", "text": {"type": "mrkdwn", "text": facts[:3000]}},
            {"type": "context", "elements": [{"type": "plain_text", "text": message.key}]},
        ],
        "metadata": {"event_type": "nctool_alert", "event_payload": {**message.fields, "key": message.key}},
    }


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """The wish of a Retry-After header: seconds, or a date measured against the receiver's own clock."""
    found = {name.lower(): value for name, value in headers.items()}
    text = found.get("retry-after", "").strip()
    if text.isdecimal():
        return timedelta(seconds=int(text[:6]))
    try:
        wait = parsedate_to_datetime(text) - parsedate_to_datetime(found.get("date", ""))
    except (ValueError, TypeError):
        return None
    return max(wait, timedelta(0))


def _plain(text: str) -> str:
    """Slack's three control characters escaped: nobody's reason pings a channel or hides a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _parts(url: str) -> tuple[str, ...]:
    """The URL and the parts of it that an error text could quote."""
    path = urlsplit(url).path
    return (url, path, *(part for part in path.split("/") if len(part) >= 8))
