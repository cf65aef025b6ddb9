"""Each kind of channel against a server that speaks what it speaks."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from communications.adapters import configured, slack
from communications.adapters.alertmanager import Alertmanager
from communications.adapters.anything import Apprise
from communications.adapters.mail import Mail
from communications.adapters.pagerduty import PagerDuty
from communications.adapters.slack import SlackBot, SlackWebhook
from communications.adapters.webhook import Webhook
from communications.domain.alerts import Severity
from communications.domain.channels import ChannelKind
from communications.domain.delivery import Failure
from communications.domain.outgoing import Act, Outgoing, Receipt
from core.addresses import Network
from tests.communications import receivers
from tests.communications.receivers import Server, listening

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TOKEN = "xoxb-geheimgeheim"
HOME = [ipaddress.ip_network("127.0.0.0/8")]
HOSTILE = "errors <!channel> & <https://evil.example|click> *bold*\r\nBcc: all@example.org"
MESSAGE = Outgoing(
    key="announcement-7-1772442000",
    target="#ops-alerts",
    subject=f"[CRITICAL] ROLLBACK: {HOSTILE}",
    text=f"Reason: {HOSTILE}\n" + "more\n" * 500,
    severity=Severity.CRITICAL,
    at=NOW,
    html="<p>Reason</p>",
    link="https://rollout.example/admin/",
    fields={"type": "FEATURE_ROLLBACK", "feature": "atomicMeltOperations", "environment": "production"},
)


@pytest.fixture
def server() -> Iterator[Server]:
    with listening() as found:
        yield found


def failed(answer: Receipt | Failure) -> Failure:
    assert isinstance(answer, Failure), answer
    return answer


def taken(answer: Receipt | Failure) -> Receipt:
    assert isinstance(answer, Receipt), answer
    return answer


# --- Slack ---


def test_a_bot_keeps_an_incident_in_one_thread_and_its_first_message_up_to_date() -> None:
    with listening(receivers.slack_api(TOKEN)) as api:
        bot = SlackBot(TOKEN, base_url=f"{api.url}/api/")
        opened = taken(bot.send(replace(MESSAGE, act=Act.OPEN, thread="incident:1")))
        closing = replace(MESSAGE, subject="It is over", act=Act.CLOSE, thread="incident:1", reference=opened.reference)
        assert taken(bot.send(closing)).reference == opened.reference
        first, update, reply = api.heard
    channel, _, ts = opened.reference.partition(":")
    assert (first.json["channel"], channel) == ("#ops-alerts", "C0123456")
    assert (update.path, update.json["ts"], update.json["text"]) == ("/api/chat.update", ts, "It is over")
    assert (reply.json["thread_ts"], reply.json["channel"]) == (ts, channel)
    assert first.json["client_msg_id"] == reply.json["client_msg_id"]  # the key of both is the same here
    assert first.json["metadata"]["event_payload"]["feature"] == "atomicMeltOperations"


def test_nobodys_words_ping_a_channel_or_hide_a_link_in_slack() -> None:
    body = slack.payload(MESSAGE)
    shown = json.dumps(body["blocks"][1]) + body["text"]
    assert "<!channel>" not in shown
    assert "&lt;!channel&gt;" in shown
    assert shown.count("<https://") == 1  # our own link


@given(st.text(max_size=4000))
def test_a_text_of_any_kind_fits_into_a_block_and_no_escape_is_cut_in_half(text: str) -> None:
    shown = slack.payload(replace(MESSAGE, text=text))["blocks"][1]["text"]["text"]
    assert len(shown) <= 3000
    body = shown.removesuffix("\n<https://rollout.example/admin/|Details>")
    assert "<" not in body
    assert not body.rstrip("…").endswith(("&", "&a", "&am", "&amp", "&l", "&lt", "&g", "&gt"))


@pytest.mark.parametrize(
    ("token", "target", "error"),
    [(TOKEN, "#nowhere", "channel_not_found"), ("xoxb-wrongwrong", "#ops", "invalid_auth")],
)
def test_what_slack_refuses_is_not_tried_again(token: str, target: str, error: str) -> None:
    with listening(receivers.slack_api(TOKEN)) as api:
        answer = failed(SlackBot(token, base_url=f"{api.url}/api/").send(replace(MESSAGE, target=target)))
    assert answer.permanent
    assert error in answer.error


def test_slack_is_asked_again_when_it_says_later_and_after_as_long_as_it_says(server: Server) -> None:
    server.answers = [(429, {"Retry-After": "30"}, b'{"ok":false,"error":"ratelimited"}'), (503, {}, b"busy")]
    bot = SlackBot(TOKEN, base_url=f"{server.url}/api/")
    limited, busy = failed(bot.send(MESSAGE)), failed(bot.send(MESSAGE))
    assert (limited.permanent, limited.retry_after) == (False, timedelta(seconds=30))
    assert not busy.permanent


@pytest.mark.parametrize(
    ("answer", "error", "permanent"),
    [
        ((500, {}, b"oops"), "HTTP 500: oops", False),
        ((429, {"Retry-After": "120"}, b"slow"), "HTTP 429: slow", False),
        ((404, {}, b"no_service"), "HTTP 404: no_service", True),
        ((200, {}, b"<html>Please log in</html>"), "not the `ok` of a Slack webhook", True),
    ],
)
def test_a_webhook_of_slack_is_read_as_slack_answers(answer: Any, error: str, permanent: bool, server: Server) -> None:
    server.answers = [answer]
    found = failed(SlackWebhook(f"{server.url}/services/T00000000/B00000000/XXXXXXXXXXXX").send(MESSAGE))
    assert error in found.error
    assert found.permanent is permanent
    assert "XXXXXXXXXXXX" not in found.error


# --- PagerDuty and Alertmanager ---


def test_pagerduty_opens_acknowledges_and_resolves_one_alert_of_a_thread() -> None:
    with listening(receivers.pagerduty) as api:
        pager = PagerDuty("R0UT1NGKEY", base_url=api.url)
        for act in (Act.OPEN, Act.ACKNOWLEDGE, Act.CLOSE, Act.NOTE):
            thread = "" if act is Act.NOTE else "incident:1"
            taken(pager.send(replace(MESSAGE, subject="x" * 2000, act=act, thread=thread)))
        events = [heard.json for heard in api.heard]
    assert [event["event_action"] for event in events] == ["trigger", "acknowledge", "resolve", "trigger"]
    assert [event["dedup_key"] for event in events] == ["incident:1"] * 3 + [MESSAGE.key]
    assert events[0]["payload"]["source"] == "production"


def test_another_server_that_says_yes_is_not_taken_for_pagerduty(server: Server) -> None:
    assert "is http" in failed(PagerDuty("R0UT1NGKEY", base_url=server.url).send(MESSAGE)).error


def test_alertmanager_gets_one_alert_for_a_thread_and_its_end() -> None:
    with listening(receivers.alertmanager) as api:
        sender = Alertmanager(api.url, username="ops", secret="geheimgeheim")
        for act in (Act.OPEN, Act.CLOSE):
            taken(sender.send(replace(MESSAGE, act=act, thread="incident:1", severity=Severity.HIGH)))
        opened, closed = (heard.json[0] for heard in api.heard)
        assert api.heard[0].headers["authorization"].startswith("Basic ")
    assert opened["labels"] == closed["labels"]
    assert datetime.fromisoformat(opened["endsAt"]) > NOW
    assert datetime.fromisoformat(closed["endsAt"]) == NOW


# --- webhooks ---


PLAIN = replace(MESSAGE, target="")


def hook(url: str, allowed: Sequence[Network] = HOME, *, seconds: float = 10) -> Webhook:
    return Webhook(url, "geheimgeheim", allowed=allowed, now=lambda: 1772442000.5, seconds=seconds)


def test_a_receiver_can_tell_that_it_was_us_when_and_whether_it_had_it_before(server: Server) -> None:
    taken(hook(f"{server.url}/in").send(PLAIN))
    [heard] = server.heard
    signed = f"{heard.headers['x-rollout-timestamp']}.".encode() + heard.body
    expected = hmac.new(b"geheimgeheim", signed, hashlib.sha256).hexdigest()
    assert heard.headers["x-rollout-signature"] == f"v1={expected}"
    assert heard.headers["x-rollout-timestamp"] == "1772442000"
    assert (heard.headers["idempotency-key"], heard.json["key"]) == (MESSAGE.key, MESSAGE.key)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/",
        "http://localhost:1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://[::1]:1/",
        "http://[::ffff:127.0.0.1]:1/",
        "http://0.0.0.0:1/",
        "http://2130706433:1/",
    ],
)
def test_a_webhook_leads_into_no_private_network(url: str) -> None:
    answer = failed(hook(url, []).send(PLAIN))
    assert answer.permanent
    assert "private network" in answer.error


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed_wherever_it_leads(status: int, server: Server) -> None:
    server.answers = [(status, {"Location": "http://169.254.169.254/"}, b"")]
    answer = failed(hook(server.url).send(PLAIN))
    assert answer.permanent
    assert "redirects are not followed" in answer.error
    assert len(server.heard) == 1


def test_a_receiver_that_hangs_drips_or_hangs_up_costs_seconds_and_is_asked_again(server: Server) -> None:
    server.wait = 0.6
    impatient = hook(server.url, seconds=0.4)
    assert "did not end its answer within 0.4 s" in failed(impatient.send(PLAIN)).error
    server.wait, server.drip = 0, 0.1
    server.answers = [(200, {}, b"x" * 100)]
    assert "did not end its answer within 0.4 s" in failed(impatient.send(PLAIN)).error
    server.drip, server.hang_up = 0, True
    broken = failed(hook(server.url).send(PLAIN))
    assert not broken.permanent


def test_a_receiver_that_drips_its_headers_is_given_up_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"

        def drip() -> None:
            line, _ = listener.accept()
            with suppress(OSError), line:
                for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 1000:
                    line.sendall(bytes([byte]))
                    time.sleep(0.02)

        Thread(target=drip, daemon=True).start()
        assert "did not end its answer" in failed(hook(url, seconds=0.4).send(PLAIN)).error


def test_a_certificate_that_nobody_vouches_for_is_not_accepted(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *subject]
    subprocess.run([*made, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    tls = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    tls.socket = context.wrap_socket(tls.socket, server_side=True)
    Thread(target=tls.serve_forever, args=(0.02,), daemon=True).start()
    answer = failed(hook(f"https://localhost:{tls.server_port}/").send(PLAIN))
    tls.shutdown()
    assert "The certificate of localhost is not valid" in answer.error
    assert not answer.permanent


# --- e-mail ---


class Post:
    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.refuse = ""

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802 - its name there
        if self.refuse:
            return self.refuse
        self.mails.append((envelope.rcpt_tos, message_from_bytes(envelope.content)))
        return "250 OK"


@pytest.fixture
def post(settings: Settings) -> Iterator[Post]:
    state = Post()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(state, hostname="127.0.0.1", port=port)
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    yield state
    controller.stop()


def test_a_mail_has_text_and_html_a_stable_id_and_no_header_from_a_reason(post: Post) -> None:
    message = replace(MESSAGE, target="ops@example.org", reference="<first@localhost>")
    assert taken(Mail().send(message)) == taken(Mail().send(message))
    (to, first), (_, second) = post.mails
    assert to == ["ops@example.org"]
    assert first["Message-ID"] == second["Message-ID"] == "<announcement-7-1772442000@localhost>"
    assert (first["References"], first["Bcc"]) == ("<first@localhost>", None)
    assert [part.get_content_type() for part in first.walk()][1:] == ["text/plain", "text/html"]
    assert "Bcc: all@example.org" in str(first["Subject"]).replace("\n", "")


def test_a_subscribers_mail_can_be_left_by_one_click(post: Post) -> None:
    fields = {"unsubscribe": "https://status.example/status/unsubscribe/abc"}
    taken(Mail().send(replace(MESSAGE, target="a@example.org", fields=fields)))
    [(_, mail)] = post.mails
    assert mail["List-Unsubscribe"] == "<https://status.example/status/unsubscribe/abc>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize(("answer", "permanent"), [("451 busy", False), ("554 rejected", True)])
def test_a_mail_server_that_refuses_is_asked_again_only_when_it_may_change_its_mind(
    answer: str, permanent: bool, post: Post
) -> None:
    post.refuse = answer
    found = failed(Mail().send(replace(MESSAGE, target="ops@example.org")))
    assert answer.split()[0] in found.error
    assert found.permanent is permanent


# --- any other service ---


def test_apprise_hands_it_to_another_service(server: Server) -> None:
    url = server.url.replace("http://", "json://")
    taken(Apprise(f"{url}/geheimgeheim").send(MESSAGE))
    assert server.heard[0].json["title"].startswith("[CRITICAL] ROLLBACK")
    server.answers = [(500, {}, b"")]
    answer = failed(Apprise(f"{url}/geheimgeheim").send(MESSAGE))
    assert "500" in answer.error
    assert "geheimgeheim" not in answer.error
    assert "does not know" in failed(Apprise("nonsense://x").send(MESSAGE)).error


# --- what is not set up ---


@pytest.mark.parametrize("kind", [ChannelKind.SLACK, ChannelKind.SLACK_WEBHOOK, ChannelKind.PAGERDUTY])
def test_a_channel_without_its_secret_says_so_and_is_not_tried_twelve_times(kind: ChannelKind) -> None:
    answer = failed(configured.connect(kind, {}, "").send(MESSAGE))
    assert answer.permanent
    assert "not set up" in answer.error


def test_a_secret_of_another_key_is_a_clear_failure_and_no_crash(settings: Settings) -> None:
    from communications.adapters import vault

    settings.CHANNEL_KEYS = ["first"]
    sealed = vault.seal("xoxb-geheim")
    assert "geheim" not in sealed
    settings.CHANNEL_KEYS = ["second", "first"]
    assert vault.unseal(vault.seal_anew(sealed)) == "xoxb-geheim"
    settings.CHANNEL_KEYS = ["third"]
    answer = failed(configured.connect(ChannelKind.SLACK, {}, sealed).send(MESSAGE))
    assert "Set the secret again" in answer.error
