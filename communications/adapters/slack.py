"""Slack, through the official client: a bot's token, or an incoming webhook."""

from __future__ import annotations

import logging
import uuid
from typing import Any
from urllib.request import Request

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient, WebhookResponse

from communications.adapters.answers import Answer, failure, parts, retry_after
from communications.adapters.exchange import DEADLINE, Exchange
from communications.domain.alerts import Severity
from communications.domain.delivery import Failure, without_secrets
from communications.domain.outgoing import Act, Outgoing, Receipt

# Our rows are the retry, so the clients have none. Their log lines name the URL, so they go nowhere.
SILENT = logging.Logger("slack", level=logging.CRITICAL + 1)
LATER = ("ratelimited", "internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org")
_MARKS = {Severity.CRITICAL: "🔴", Severity.HIGH: "🟠", Severity.WARNING: "🟡", Severity.INFO: "🔵"}


class SlackWebhook:
    """Posts to one webhook URL. The URL is the secret: it never leaves this object."""

    def __init__(self, url: str, *, seconds: float = DEADLINE) -> None:
        self._url, self._secrets, self._seconds = url, parts(url), seconds

    def send(self, message: Outgoing) -> Receipt | Failure:
        exchange = Exchange(secrets=self._secrets, seconds=self._seconds)
        try:
            response = _BoundedWebhook(self._url, exchange).send_dict(payload(message))
        except _NoAnswer as error:
            return error.failure
        answer = Answer(response.status_code, response.body, response.headers)
        if answer.status == 200 and answer.body.strip() == "ok":
            return Receipt(answer="ok")
        if answer.status == 200:  # a log-in page of a proxy says 200 too; an alert must not vanish there
            told = f"HTTP 200: {answer.body.strip()} (not the `ok` of a Slack webhook)"
            return exchange.failure(told, permanent=True)
        return failure(answer, secrets=self._secrets) or exchange.failure(f"HTTP {answer.status}")


class SlackBot:
    """Posts as a bot. What belongs together is a thread, and its first message shows how things stand."""

    def __init__(self, token: str, *, base_url: str = "https://slack.com/api/", seconds: float = DEADLINE) -> None:
        self._token, self._base_url, self._seconds = token, base_url, seconds

    def send(self, message: Outgoing) -> Receipt | Failure:
        """`reference` is `<channel id>:<ts>` of the first message: Slack changes messages only by the id."""
        exchange = Exchange(secrets=[self._token], seconds=self._seconds)
        try:
            place = _post(_BoundedClient(self._token, self._base_url, exchange), message)
        except _NoAnswer as error:
            return error.failure
        except SlackApiError as error:
            return self._refused(error)
        except (AttributeError, KeyError, TypeError, ValueError):
            return exchange.failure(f"{self._base_url} does not answer as Slack does.")
        return Receipt(reference=message.reference or place, answer="ok")

    def _refused(self, error: SlackApiError) -> Failure:
        response: Any = error.response
        said = getattr(response, "data", None)
        word = str(said.get("error", "")) if isinstance(said, dict) else ""
        status, headers = getattr(response, "status_code", 0), getattr(response, "headers", {})
        permanent = status < 500 and status != 429 and word not in LATER
        told = without_secrets(f"HTTP {status}: {word or error}", [self._token])
        return Failure(told, permanent=permanent, retry_after=retry_after(headers))


def _post(client: WebClient, message: Outgoing) -> str:
    """Hand it over; where it stands in Slack."""
    channel, _, ts = message.reference.partition(":")
    body = payload(message)
    if ts and message.act is not Act.NOTE:
        client.chat_update(channel=channel, ts=ts, text=body["text"], blocks=body["blocks"])
    thread = {"thread_ts": ts} if ts else {}
    told = {
        **body,
        "channel": channel or message.target,
        "client_msg_id": str(uuid.uuid5(uuid.NAMESPACE_URL, message.key)),
        "unfurl_links": False,
        **thread,
    }
    sent = client.api_call("chat.postMessage", json=told)
    if not (isinstance(sent["channel"], str) and isinstance(sent["ts"], str)):
        raise ValueError("no place")
    return f"{sent['channel']}:{sent['ts']}"


class _NoAnswer(Exception):
    """The exchange came to nothing."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure


def _exchanged(exchange: Exchange, url: str, request: Request) -> Answer:
    answer = exchange.post(url, bytes(request.data or b""), dict(request.header_items()))  # type: ignore[arg-type]
    if isinstance(answer, Failure):
        raise _NoAnswer(answer)
    return answer


class _BoundedClient(WebClient):
    """Slack's client over an exchange. By itself it gives the token to whoever a redirect names, waits for each byte
    of an answer anew, and reads whatever comes."""

    def __init__(self, token: str, base_url: str, exchange: Exchange) -> None:
        super().__init__(token, base_url=base_url, logger=SILENT, retry_handlers=[])
        self._exchange = exchange

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:
        answer = _exchanged(self._exchange, url, req)
        return {"status": answer.status, "headers": answer.headers, "body": answer.body}


class _BoundedWebhook(WebhookClient):
    """The same for a webhook."""

    def __init__(self, url: str, exchange: Exchange) -> None:
        super().__init__(url, logger=SILENT, retry_handlers=[])
        self._exchange = exchange

    def _perform_http_request_internal(self, url: str, req: Request) -> WebhookResponse:
        answer = _exchanged(self._exchange, url, req)
        return WebhookResponse(url=url, status_code=answer.status, body=answer.body, headers=dict(answer.headers))


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
