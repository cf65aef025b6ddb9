"""Receivers that mean harm: whatever they answer is a failure of this message, in time, and nothing else."""

from __future__ import annotations

import gzip
import ipaddress
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any

import pytest
from pytest_django import Settings

from communications.adapters.answers import retry_after
from communications.adapters.anything import Apprise
from communications.adapters.mail import Mail
from communications.adapters.ports import Sender
from communications.adapters.slack import SlackBot, SlackWebhook
from communications.adapters.webhook import Webhook
from communications.domain.alerts import Severity
from communications.domain.channels import ChannelKind
from communications.domain.delivery import Failure
from communications.domain.outgoing import Outgoing, Receipt
from communications.domain.setups import check_secret, read
from core.errors import Invalid
from tests.communications.receivers import listening

TOKEN = "xoxb-geheimgeheim"
HOME = [ipaddress.ip_network("127.0.0.0/8")]
MESSAGE = Outgoing(
    "announcement-7-1772442000", "", "It is down", "Reason", Severity.CRITICAL, datetime(2026, 3, 2, 9, tzinfo=UTC)
)
SENDERS: dict[str, Callable[[str, float], Sender]] = {
    "webhook": lambda url, seconds: Webhook(url, "", allowed=HOME, now=time.time, seconds=seconds),
    "bot": lambda url, seconds: SlackBot(TOKEN, base_url=f"{url}/api/", seconds=seconds),
    "slack": lambda url, seconds: SlackWebhook(f"{url}/services/T00000000/{TOKEN}", seconds=seconds),
    "apprise": lambda url, seconds: Apprise(f"{url.replace('http', 'json', 1)}/{TOKEN}", seconds=seconds),
}


@contextmanager
def saying(*parts: bytes, then: bytes = b"", every: float = 0.0) -> Iterator[int]:
    """A server that says these to whoever comes, and `then` again and again; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def speak(line: socket.socket) -> None:
            with suppress(OSError), line:
                if parts[0].startswith(b"HTTP"):
                    line.recv(65_536)
                for part in parts:
                    line.sendall(part)
                while then:
                    line.sendall(then)
                    time.sleep(every)

        def serve() -> None:
            with suppress(OSError):
                while True:
                    Thread(target=speak, args=(listener.accept()[0],), daemon=True).start()

        Thread(target=serve, daemon=True).start()
        yield int(listener.getsockname()[1])


def failed(answer: Receipt | Failure) -> Failure:
    assert isinstance(answer, Failure), answer
    assert TOKEN not in answer.error
    return answer


@pytest.mark.parametrize("kind", SENDERS)
@pytest.mark.parametrize(
    ("begins", "goes_on"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"),
    ],
    ids=["body", "headers"],
)
def test_an_answer_that_never_ends_costs_no_more_than_its_time(kind: str, begins: bytes, goes_on: bytes) -> None:
    began = time.monotonic()
    with saying(begins, then=goes_on, every=0.1) as port:
        answer = failed(SENDERS[kind](f"http://127.0.0.1:{port}", 0.8).send(MESSAGE))
    assert time.monotonic() - began < 5  # on a machine that has ten things to do at once
    assert not answer.permanent
    assert "within 0.8 s" in answer.error


@pytest.mark.parametrize("kind", ["bot", "slack", "webhook"])
def test_of_an_endless_or_packed_answer_a_little_is_read(kind: str) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    head = b"HTTP/1.1 500 Oops\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    with saying(b"HTTP/1.1 500 Oops\r\n\r\n", then=b"\0x" * 32_768) as endless, saying(head, bomb) as packed:
        for port in (endless, packed):
            answer = failed(SENDERS[kind](f"http://127.0.0.1:{port}", 20.0).send(MESSAGE))
            assert not answer.permanent
            assert answer.error.isprintable()  # a database takes no NUL


@pytest.mark.parametrize("kind", ["bot", "slack"])
@pytest.mark.parametrize("status", [302, 307])
def test_nobody_whom_a_redirect_names_gets_the_token_of_slack(kind: str, status: int) -> None:
    with listening() as thief, listening(lambda _: (status, {"Location": thief.url}, b"")) as slack:
        assert failed(SENDERS[kind](slack.url, 5.0).send(MESSAGE)).permanent
        assert thief.heard == []


@pytest.mark.parametrize(
    "said", [b'{"ok": true}', b'{"ok": true, "channel": 7}', b"[]", b"null", b"7", b"", b"<html>", b'{"ok": "\\ud800']
)
def test_a_server_that_is_no_slack_is_told_as_such(said: bytes) -> None:
    with listening(lambda _: (200, {"Content-Type": "application/json"}, said)) as server:
        assert failed(SENDERS["bot"](server.url, 5.0).send(MESSAGE)).error


@pytest.mark.parametrize("begins", [b"", b"220 hello\r\n"])
def test_a_mail_server_that_never_ends_its_answer_costs_no_more_than_its_time(
    begins: bytes, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with saying(begins or b"2", then=b"250-x\r\n" if begins else b"2", every=0.05) as port:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        answer = failed(Mail(seconds=0.5).send(replace(MESSAGE, target="ops@example.org")))
    assert "within 0.5 s" in answer.error
    assert not answer.permanent


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ("-5", None),
        ("NaN", None),
        ("1e9", None),
        ("inf", None),
        ("²", None),
        ("1000000000", timedelta(seconds=100_000)),
        ("Thu, 01 Jan 2099 00:00:00 GMT", timedelta(days=26_603)),
        ("Thu, 01 Jan 1970 00:00:00 GMT", timedelta(0)),
        ("Thu, 01 Jan 99999999999999 00:00:00 GMT", None),
        ("Thu, 01 Jan 2099 00:00:00 -9999999999", None),
        ("\0", None),
    ],
)
def test_a_wish_to_wait_that_makes_no_sense_is_no_wish(wish: str, expected: timedelta | None) -> None:
    assert retry_after({"Retry-After": wish, "Date": "Mon, 02 Mar 2026 00:00:00 GMT"}) == expected


@pytest.mark.parametrize(
    "url",
    [
        "syslog://",
        "SYSLOG://_/?facility=kern",
        "dbus://",
        "windows://",
        "macosx://x",
        "mailto://u:p@example.org?pgpkey=/etc/passwd",
        "workflows://h/w/s?template=file:///etc/passwd",
    ],
)
def test_an_apprise_url_of_this_machine_is_neither_kept_nor_used(url: str) -> None:
    with pytest.raises(Invalid, match="this machine"):
        check_secret(ChannelKind.APPRISE, url)
    assert failed(Apprise(url).send(MESSAGE)).permanent


@pytest.mark.parametrize("secret", ["", "a b", "a\0b", "a\nb", "a\x01b", "a\ud800b", "a\u202eb", "x" * 2001])
def test_a_secret_that_no_header_could_carry_is_refused(secret: Any) -> None:
    with pytest.raises(Invalid):
        check_secret(ChannelKind.PAGERDUTY, secret)


@pytest.mark.parametrize(
    "url",
    [
        *("javascript:alert(1)", "file:///etc/passwd", "http://", "http://[::1", "http://h:0/", "http://h:99999/"),
        *("http://u:p@h/", "http://h/\r\nX: y", "http://h/\0", "http://h/\ud800", "http://h/ x", "http://h\\@i/"),
        "x" * 501,
    ],
)
def test_an_address_that_cannot_be_is_not_kept_and_is_no_crash_where_it_is_used(url: str) -> None:
    with pytest.raises(Invalid):
        read(ChannelKind.ALERTMANAGER, {"base_url": url})
    assert failed(SENDERS["webhook"]("", 1.0).send(replace(MESSAGE, target=url))).error.isprintable()


@pytest.mark.parametrize(
    "host",
    [
        "127.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "localhost",
        "0",
        "[64:ff9b::7f00:1]",
    ],
)
def test_no_way_to_write_this_machine_gets_past_the_guard(host: str) -> None:
    hook = Webhook(f"http://{host}:1/", "", allowed=[], now=time.time, seconds=5)
    assert "private network" in failed(hook.send(MESSAGE)).error
