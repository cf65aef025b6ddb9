"""Slack, through the official client: a bot's token, or an incoming webhook."""

from __future__ import annotations

import logging
import uuid
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from communications.adapters.answers import Answer, failure, parts, retry_after
from communications.domain.alerts import Severity
from communications.domain.delivery import Failure, without_secrets
from communications.domain.outgoing import Act, Outgoing, Receipt

TIMEOUT = 9
# Our rows are the retry, so the clients have none. Their log lines name the URL, so they go nowhere.
SILENT = logging.Logger("slack", level=logging.CRITICAL + 1)
LATER = ("ratelimited", "internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org")
_MARKS = {Severity.CRITICAL: "🔴", Severity.HIGH: "🟠", Severity.WARNING: "🟡", Severity.INFO: "🔵"}


class SlackWebhook:
    """Posts to one webhook URL. The URL is the secret: it never leaves this object."""

    def __init__(self, url: str, *, timeout: int = TIMEOUT) -> None:
        self._secrets = parts(url)
        self._client = WebhookClient(url, timeout=timeout, logger=SILENT, retry_handlers=[])

    def send(self, message: Outgoing) -> Receipt | Failure:
        try:
            response = self._client.send_dict(payload(message))
        except Exception as error:
            reason = getattr(error, "reason", error)
            return Failure(without_secrets(f"{type(error).__name__}: {reason}", self._secrets))
        answer = Answer(response.status_code, response.body, response.headers)
        if answer.status == 200 and answer.body.strip() == "ok":
            return Receipt(answer="ok")
        if answer.status == 200:  # a log-in page of a proxy says 200 too; an alert must not vanish there
            told = f"HTTP 200: {answer.body.strip()} (not the `ok` of a Slack webhook)"
            return Failure(without_secrets(told, self._secrets), permanent=True)
        return failure(answer, secrets=self._secrets) or Receipt()


class SlackBot:
    """Posts as a bot. What belongs together is a thread, and its first message shows how things stand."""

    def __init__(self, token: str, *, base_url: str = "https://slack.com/api/", timeout: int = TIMEOUT) -> None:
        self._secrets = (token,)
        self._client = WebClient(token, base_url=base_url, timeout=timeout, logger=SILENT, retry_handlers=[])

    def send(self, message: Outgoing) -> Receipt | Failure:
        """`reference` is `<channel id>:<ts>` of the first message: Slack changes messages only by the id."""
        channel, _, ts = message.reference.partition(":")
        body = payload(message)
        try:
            if ts and message.act is not Act.NOTE:
                self._client.chat_update(channel=channel, ts=ts, text=body["text"], blocks=body["blocks"])
            thread = {"thread_ts": ts} if ts else {}
            sent = self._client.api_call(
                "chat.postMessage",
                json={
                    **body,
                    "channel": channel or message.target,
                    "client_msg_id": str(uuid.uuid5(uuid.NAMESPACE_URL, message.key)),
                    "unfurl_links": False,
                    **thread,
                },
            )
        except SlackApiError as error:
            return self._refused(error)
        except Exception as error:
            reason = getattr(error, "reason", error)
            return Failure(without_secrets(f"{type(error).__name__}: {reason}", self._secrets))
        return Receipt(reference=message.reference or f"{sent['channel']}:{sent['ts']}", answer="ok")

    def _refused(self, error: SlackApiError) -> Failure:
        response: Any = error.response
        word = str(response.get("error", "")) if hasattr(response, "get") else ""
        status, headers = getattr(response, "status_code", 0), getattr(response, "headers", {})
        permanent = status < 500 and status != 429 and word not in LATER
        told = without_secrets(f"HTTP {status}: {word or error}", self._secrets)
        return Failure(told, permanent=permanent, retry_after=retry_after(headers))


def payload(message: Outgoing) -> dict[str, Any]:
    """The request body: a text for notifications, blocks for readers, the seed's fields and key as metadata."""
    text = plain(message.text)
    link = f"\n<{plain(message.link)}|Details>" if message.link and message.link not in message.text else ""
    return {
        "text": plain(message.subject),
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": _title(message)}},
            {"type": "section", "text": {"type": "mrkdwn", "text": f"{_cut(text, 2990 - len(link))}{link}"}},
            {"type": "context", "elements": [{"type": "plain_text", "text": message.key}]},
        ],
        "metadata": {"event_type": "nctool_alert", "event_payload": {**message.fields, "key": message.key}},
    }


def plain(text: str) -> str:
    """Slack's three control characters escaped: nobody's reason pings a channel or hides a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _title(message: Outgoing) -> str:
    mark = "🟢" if message.act is Act.CLOSE else _MARKS[message.severity]
    return f"{mark} {message.subject}"[:150]


def _cut(text: str, limit: int) -> str:
    """Cut so that no escape is left in half."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    start = cut.rfind("&")
    return (cut[:start] if start > limit - 7 and ";" not in cut[start:] else cut) + "…"
