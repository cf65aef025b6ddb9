"""Several senders at once, and senders that die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from communications.domain.alerts import ChannelName
from communications.domain.delivery import Failure
from communications.domain.message import Message
from communications.models import Alert, Delivery
from communications.services import announcing, sending
from core.actors import Actor
from flags.services import emergency
from tests.communications.conftest import KEY, Slack

SLACK = ChannelName.SLACK


class SlowChannel:
    """Counts what it is given, and takes long enough for the others to look for work."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def send(self, message: Message) -> Failure | None:
        self.keys.append(message.key)
        threading.Event().wait(0.3)
        return None


def at_once(call: Callable[[], Any], *, times: int) -> list[Any]:
    """Run the call in several threads from one starting gun."""
    gun = threading.Barrier(times)

    def run(_: int) -> Any:
        gun.wait()
        try:
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("rolled_back")
def test_four_announcers_and_four_senders_are_one_alert_and_one_send(now: datetime) -> None:
    made = at_once(lambda: announcing.announce(channels=[SLACK], now=now), times=4)
    assert sum(made) == 1
    assert Alert.objects.count() == Delivery.objects.count() == 1

    channel = SlowChannel()
    sent = at_once(lambda: sending.send_due({SLACK: channel}, clock=lambda: now, jitter=lambda: 0.0), times=4)
    assert sum(sent) == 1
    assert len(channel.keys) == 1


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("flag")
def test_several_alerts_are_shared_out_and_none_is_sent_twice(operator_actor: Actor, now: datetime) -> None:
    for environment in ("development", "staging", "production"):
        emergency.emergency_disable(KEY, environment, actor=operator_actor, reason="r", now=now)
    announcing.announce(channels=[SLACK], now=now)
    channel = SlowChannel()

    at_once(lambda: sending.send_due({SLACK: channel}, clock=lambda: now, jitter=lambda: 0.0), times=4)
    assert len(channel.keys) == len(set(channel.keys)) == 3
    assert Delivery.objects.filter(sent_at=now, tries=1).count() == 3


# A sender in a process and with a database of its own; `act` says what becomes of it.
SENDER = """
import os, signal, sys
from datetime import UTC, datetime, timedelta
import django
django.setup()
from django.core.management import call_command
from communications.adapters import configured
from communications.domain.alerts import ChannelName
from communications.domain.delivery import LEASE
from communications.models import Delivery
from communications.services import announcing, sending
from core import environments
from core.actors import Actor, ActorKind
from flags.domain.bucketing import Bucketing
from flags.services import emergency, registry

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
who = {"actor": Actor("test", ActorKind.COMMAND), "reason": "test", "now": NOW}
channels = configured.channels()

class Dying:
    def send(self, message):
        channels[ChannelName.SLACK].send(message)
        os.kill(os.getpid(), signal.SIGKILL)

def send(channels, at):
    return sending.send_due(channels, clock=lambda: at, jitter=lambda: 0.0)

if sys.argv[1] == "die":
    call_command("migrate", verbosity=0)
    environments.define("production", {"name": "Production", "protected": True}, **who)
    registry.define("payments", name="Payments", description="", bucketing=Bucketing.JS31, **who)
    emergency.emergency_disable("payments", "production", **who)
    announcing.announce(channels=channels, now=NOW)
    send({ChannelName.SLACK: Dying()}, NOW)
assert send(channels, NOW + LEASE - timedelta(seconds=1)) == 0, "sent within the dead sender's lease"
assert send(channels, NOW + LEASE) == 1, "the rescuer did not send"
assert send(channels, NOW + 2 * LEASE) == 0, "sent a third time"
delivery = Delivery.objects.get()
assert (delivery.tries, delivery.fence, delivery.error) == (2, 2, ""), vars(delivery)
"""


def test_a_sender_killed_between_send_and_note_costs_one_repeat_with_the_same_key(slack: Slack, tmp_path: Path) -> None:
    alone = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "PRODUCTION")}
    env = {
        **alone,
        "DATA_DIR": str(tmp_path),
        "SLACK_WEBHOOK_URL": slack.url,
        "ALERT_EMAILS": "",
        "DJANGO_SETTINGS_MODULE": "nctool_rollout.settings",
    }

    def run(act: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", SENDER, act]
        return subprocess.run(command, env=env, cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=120)

    killed = run("die")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    rescued = run("rescue")
    assert rescued.returncode == 0, rescued.stderr

    keys = [body["metadata"]["event_payload"]["key"] for body in slack.received]
    assert len(keys) == 2
    assert len(set(keys)) == 1
