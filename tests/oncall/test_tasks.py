"""What happens by the clock, and the sign to the dead-man's switch outside."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from core import heartbeats
from nctool_rollout.beat import SCHEDULE
from oncall import selectors, tasks
from oncall.models import Escalation
from tests.oncall.conftest import Start, called, told

pytestmark = pytest.mark.django_db


class Switch(ThreadingHTTPServer):
    """The service outside: counts what it hears, and answers as it is told."""

    heard, status = 0, 200


@pytest.fixture
def switch(settings: Settings) -> Iterator[Switch]:
    class Handler(BaseHTTPRequestHandler):
        server: Switch

        def do_GET(self) -> None:
            self.server.heard += 1
            self.send_response(self.server.status)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Nothing."""

    made = Switch(("127.0.0.1", 0), Handler)
    settings.HEARTBEAT_URL = f"http://127.0.0.1:{made.server_address[1]}/secret"
    threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def all_beat() -> None:
    for name in selectors.NEEDED_BEATS:
        heartbeats.beat(name, now=timezone.now())


def test_the_clock_takes_what_is_due_every_two_seconds(start: Start) -> None:
    assert SCHEDULE["escalate"]["schedule"] == 2
    row = start(now=timezone.now())
    tasks.tick()
    row.refresh_from_db()
    assert (len(called()), "escalate" in heartbeats.last()) == (1, True)


@pytest.mark.django_db(transaction=True)
def test_the_switch_hears_of_a_clean_sweep_alone(switch: Switch, start: Start) -> None:
    tasks.audit()
    assert switch.heard == 0, "no part has ever given a sign"
    all_beat()
    tasks.audit()
    assert (switch.heard, "outside" in heartbeats.last(), connection.in_atomic_block) == (1, True, False)
    start(now=timezone.now())
    Escalation.objects.update(due_at=timezone.now() - timedelta(seconds=90))
    tasks.audit()
    assert (switch.heard, len(told("escalation.late"))) == (1, 1)
    tasks.tick()
    tasks.audit()
    assert switch.heard == 2
    heartbeats.beat("guard", now=timezone.now() - timedelta(seconds=70))
    tasks.audit()
    assert switch.heard == 2


@pytest.mark.parametrize("status", [404, 500])
def test_a_switch_that_refuses_is_no_sign_and_no_error(status: int, switch: Switch) -> None:
    switch.status = status
    all_beat()
    tasks.audit()
    assert (switch.heard, "outside" in heartbeats.last()) == (1, False)


def test_a_switch_that_is_away_is_no_error(settings: Settings) -> None:
    settings.HEARTBEAT_URL = "http://127.0.0.1:1/"
    all_beat()
    tasks.audit()
    assert "outside" not in heartbeats.last()
