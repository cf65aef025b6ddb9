"""From an event to Slack, PagerDuty and e-mail, by real senders to real servers on this machine.

    python -m benchmarks.announcing            50 events a second for a minute: how long until they are handed over
    python -m benchmarks.announcing --killed   10,000 announcements, 5 % of tries fail, the sender is killed ten times

SQLite, unless DATABASE_URL names an empty PostgreSQL.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

BASE_DIR = Path(__file__).parents[1]
RATE, SECONDS = 50, 60
MANY, FAILING, KILLS = 10_000, 0.05, 10


class Receiver(ThreadingHTTPServer):
    """Takes what Slack and PagerDuty take; `fails`: the share of requests that get 503. Counts keys it accepted."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, fails: float = 0.0) -> None:
        self.fails, self.taken, self.late, self.lock = fails, Counter(), [], threading.Lock()
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sender that is killed leaves broken lines."""

    def accept(self, key: str, at: str) -> None:
        with self.lock:
            self.taken[key] += 1
            self.late.append(((datetime.now(UTC) - datetime.fromisoformat(at)).total_seconds(), key.partition(" ")[0]))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Receiver

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if random.random() < self.server.fails:
            return self.say(503, b"busy")
        if "event_action" in body:
            details = body["payload"]["custom_details"]
            self.server.accept(f"pagerduty {details['key']}", details["timestamp"])
            return self.say(202, b'{"status":"success"}')
        if "blocks" in body:
            told = body["metadata"]["event_payload"]
            self.server.accept(f"slack {told['key']}", told["timestamp"])
            return self.say(200, b'{"ok":true,"channel":"C0","ts":"1.0"}')
        self.server.accept(body["key"], body["at"])
        return self.say(200, b"ok")

    def say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Post:
    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802
        text = next(iter(message_from_bytes(envelope.content).walk())).as_string()
        key, at = (re.search(rf"^{name}=(\S+)", text, re.MULTILINE) for name in ("key", "timestamp"))
        self.receiver.accept(f"mail {key[1]}", at[1])
        return "250 OK"


def prepare(receiver: Receiver, directory: str) -> tuple[dict[str, str], Controller]:
    """A database, channels that lead to the receiver, and two audiences; the environment of the senders."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    mail = Controller(Post(receiver), hostname="127.0.0.1", port=port)
    mail.start()
    given = {
        "DATA_DIR": directory,
        "EMAIL_URL": f"smtp://127.0.0.1:{port}",
        "ALLOW_NETWORKS": "127.0.0.0/8",
        "SECRET_KEY": "of-a-benchmark-only-of-a-benchmark",
        "DJANGO_SETTINGS_MODULE": "nctool_rollout.settings",
        "LOG_LEVEL": "ERROR",
    }
    os.environ.update(given)
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    return dict(os.environ), mail


def plan(receiver: Receiver, *, hook_only: bool) -> None:
    from communications.domain.alerts import Topic
    from communications.domain.audiences import Content, Frequency
    from communications.domain.channels import ChannelKind
    from communications.services import audiences, channels
    from communications.services.audiences import AudienceSpec, Way
    from communications.services.channels import ChannelSpec
    from core.actors import Actor, ActorKind

    url = f"http://127.0.0.1:{receiver.server_port}"
    who = {"actor": Actor("benchmark", ActorKind.COMMAND), "reason": "benchmark", "now": datetime.now(UTC)}
    kinds = {
        "slack": (ChannelKind.SLACK, {"base_url": f"{url}/api/"}, "xoxb-benchmark"),
        "pagerduty": (ChannelKind.PAGERDUTY, {"base_url": url}, "routing-key"),
        "email": (ChannelKind.EMAIL, {}, ""),
        "hook": (ChannelKind.WEBHOOK, {"url": url}, ""),
    }
    for key, (kind, fields, secret) in kinds.items():
        channels.define(ChannelSpec(key, key.title(), kind, fields), enabled=True, **who)
        if secret:
            channels.set_secret(key, secret, **who)
    told = {"frequency": Frequency.REAL_TIME, "topics": [*Topic], "burst": 0}
    if hook_only:
        audiences.define(AudienceSpec("all", "All", Content.TECHNICAL, ways=[Way("hook")], **told), **who)
        return
    ways = [Way("slack", "#dev-alerts"), Way("email", "dev@example.org")]
    audiences.define(AudienceSpec("developmentTeam", "Dev", Content.TECHNICAL, ways=ways, **told), **who)
    ways = [Way("pagerduty")]
    audiences.define(AudienceSpec("operationsTeam", "Ops", Content.OPERATIONS, ways=ways, **told), **who)


def sender(environment: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "manage.py", "sender"], cwd=BASE_DIR, env=environment)


def happen(number: int) -> None:
    from core import events
    from core.actors import Actor, ActorKind

    events.record(
        "risk.level_raised",
        subject=f"environment:benchmark-{number}",
        actor=Actor("benchmark", ActorKind.MACHINE),
        now=datetime.now(UTC),
        reason="The risk rose to HIGH.",
        data={"severity": "high"},
    )


def in_time(receiver: Receiver, environment: dict[str, str]) -> None:
    plan(receiver, hook_only=False)
    process = sender(environment)
    time.sleep(8)  # it has started
    begun = time.monotonic()
    for number in range(RATE * SECONDS):
        time.sleep(max(0.0, begun + number / RATE - time.monotonic()))
        happen(number)
    took = time.monotonic() - begun
    wait_for(receiver, RATE * SECONDS * 3)
    process.send_signal(signal.SIGTERM)
    process.wait()
    print(f"{RATE * SECONDS:,} events in {took:.0f} s, three messages each: {len(receiver.late):,} handed over")
    for kind in ("slack", "pagerduty", "mail"):
        late = sorted(seconds for seconds, by in receiver.late if by == kind)
        shown = (late[len(late) // 2], late[len(late) * 99 // 100], late[-1])
        print(f"{kind:10} p50 {shown[0]:.2f} s, p99 {shown[1]:.2f} s, worst {shown[2]:.2f} s")


def killed(receiver: Receiver, environment: dict[str, str]) -> None:
    plan(receiver, hook_only=True)
    receiver.fails = FAILING
    for number in range(MANY):
        happen(number)
    process = sender(environment)
    for _ in range(KILLS):
        time.sleep(random.uniform(5, 10))
        process.kill()
        process.wait()
        process = sender(environment)
    wait_for(receiver, MANY, patience=600)
    process.send_signal(signal.SIGTERM)
    process.wait()
    from communications.models import Announcement

    states = Counter(Announcement.objects.values_list("state", flat=True))
    repeats = [count for count in receiver.taken.values() if count > 1]
    print(f"{MANY:,} announcements, sender killed {KILLS} times, {FAILING:.0%} of tries refused")
    print(f"keys accepted: {len(receiver.taken):,}; states: {dict(states)}")
    print(
        f"accepted twice under one key: {len(repeats)} (at most {KILLS} kills × 4 under way), more often: "
        f"{sum(count > 2 for count in repeats)}"
    )


def wait_for(receiver: Receiver, keys: int, *, patience: float = 120) -> None:
    end = time.monotonic() + patience
    while len(receiver.taken) < keys and time.monotonic() < end:
        time.sleep(0.5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--killed", action="store_true")
    wanted = parser.parse_args()
    receiver = Receiver()
    with tempfile.TemporaryDirectory() as directory:
        environment, mail = prepare(receiver, directory)
        (killed if wanted.killed else in_time)(receiver, environment)
        mail.stop()


if __name__ == "__main__":
    main()
