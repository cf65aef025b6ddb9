"""A Slack and a mail server that really listen, and an emergency to tell of."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes
from email.message import Message as Mail
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from pytest_django import Settings

from communications.models import Alert
from communications.services import announcing
from core.actors import Actor
from flags.services import emergency, rollout

KEY = "atomicMeltOperations"
SECRET_PATH = "/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"


@dataclass
class Slack:
    """Answers each POST with the next of `answers` (status, headers, body, seconds), then with Slack's ok."""

    url: str = ""
    answers: list[tuple[int, dict[str, str], str, float]] = field(default_factory=list)
    received: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


@pytest.fixture
def slack(settings: Settings) -> Iterator[Slack]:
    state = Slack()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            state.paths.append(self.path)
            state.received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            status, headers, body, seconds = state.answers.pop(0) if state.answers else (200, {}, "ok", 0)
            time.sleep(seconds)
            try:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body.encode())
            except BrokenPipeError:
                pass  # the caller has given up waiting, as it should

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}{SECRET_PATH}"
    settings.SLACK_WEBHOOK_URL = state.url
    yield state
    server.shutdown()
    server.server_close()


@dataclass
class Post:
    """The mails an SMTP server took; `refuse` is answered in their place while it is set."""

    mails: list[Mail] = field(default_factory=list)
    refuse: str = ""

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802 - its name there
        if self.refuse:
            return self.refuse
        self.mails.append(message_from_bytes(envelope.content))
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
    settings.ALERT_EMAILS = ["ops@example.org", "lead@example.org"]
    yield state
    controller.stop()


@pytest.fixture
def rolled_back(flag: object, operator_actor: Actor, now: datetime) -> str:
    """A rollback that nobody has told of yet; its rollback id."""
    rollout.enable(KEY, "production", actor=operator_actor, reason="go", now=now)
    evidence = {"trigger": "error-rate", "value": 20.1, "threshold": 5.0, "samples": 50}
    return emergency.roll_back(
        KEY, "production", actor=operator_actor, reason="errors <!channel>", now=now, evidence=evidence
    )


def announce(channels: Any, now: datetime) -> Alert:
    """Make the alert of the one event there is."""
    assert announcing.announce(channels=channels, now=now) == 1
    return Alert.objects.get()
