"""How late a step of an escalation is taken and handed over: while the sender runs, and after it was killed.

    python -m benchmarks.escalation            20 steps that are due within 10 s; then SIGKILL, 20 more that come due
                                               while nobody is there, and a new sender
    python -m benchmarks.escalation --whole    20 overdue steps, and `manage.py up` on two cores that others use in full

SQLite, unless DATABASE_URL names an empty PostgreSQL.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from benchmarks.announcing import BASE_DIR, Receiver, plan, prepare, sender
from benchmarks.installation import installation

STEPS, SPREAD = 20, 10.0
OTHERS = 2  # processes that only compute
ROUNDS = 3


def begin(prefix: str, *, after: float) -> dict[str, datetime]:
    """Escalations whose only step is due in `after` seconds or up to SPREAD later, by subject."""
    from core.actors import Actor, ActorKind
    from oncall.models import Escalation
    from oncall.services import chaining, escalating

    who = {"actor": Actor("benchmark", ActorKind.COMMAND), "reason": "benchmark", "now": datetime.now(UTC)}
    chaining.define("all", {"name": "All", "steps": [{"notify": {"audience": "all"}}, {"wait": 60}]}, **who)
    later = {**who, "now": datetime.now(UTC) + timedelta(hours=1)}
    for number in range(STEPS):
        escalating.start(f"{prefix}:{number}", chain="all", title=prefix, level=3, **later)
    rows = list(Escalation.objects.filter(subject__startswith=f"{prefix}:"))
    for number, row in enumerate(rows):
        row.due_at = datetime.now(UTC) + timedelta(seconds=after + SPREAD * number / STEPS)
    Escalation.objects.bulk_update(rows, ["due_at"])
    return {row.subject: row.due_at for row in rows if row.due_at}


def lives(since: datetime) -> datetime:
    """When the sender first gave a sign after this time; waits for it."""
    from core import heartbeats

    while heartbeats.last().get("escalate", since) <= since:
        time.sleep(0.02)
    return heartbeats.last()["escalate"]


def taken(prefix: str) -> Iterator[tuple[str, datetime]]:
    """Subject and time of every step, once all are taken."""
    from core import events

    found = events.recent().filter(kind="escalation.notified", data__subject__startswith=f"{prefix}:")
    while found.count() < STEPS:
        time.sleep(0.1)
    for event in found:
        yield event.data["subject"], event.at


def show(what: str, seconds: list[float]) -> None:
    seconds = sorted(seconds)
    print(f"{what:<58} median {seconds[len(seconds) // 2]:.2f} s, longest {seconds[-1]:.2f} s")


def whole() -> None:
    """From the start of the whole system, on cores that others use in full, to the steps that were overdue."""
    with installation() as at:
        os.environ.update(at.environment, DJANGO_SETTINGS_MODULE="nctool_rollout.settings")
        import django

        django.setup()
        others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(OTHERS)]
        try:
            for number in range(ROUNDS):
                begin(f"whole{number}", after=-60.0)
                spawned = datetime.now(UTC)
                with at.process(sys.executable, str(BASE_DIR / "manage.py"), "up"):
                    seconds = [(taken_at - spawned).total_seconds() for _, taken_at in taken(f"whole{number}")]
                    show("whole system: step after `manage.py up` was called", seconds)
        finally:
            for other in others:
                other.kill()


def main() -> None:
    receiver = Receiver()
    with tempfile.TemporaryDirectory() as directory:
        environment, mail = prepare(receiver, directory)
        plan(receiver, hook_only=True)
        spawned = datetime.now(UTC)
        process = sender(environment)
        lives(spawned)
        due = begin("running", after=3.0)
        show(
            "running: step after it was due", [(at - due[subject]).total_seconds() for subject, at in taken("running")]
        )
        while sum(receiver.taken.values()) < STEPS:
            time.sleep(0.1)
        process.send_signal(signal.SIGKILL)
        process.wait()
        begin("killed", after=-60.0)
        spawned = datetime.now(UTC)
        process = sender(environment)
        up = lives(spawned)
        times = [at for _, at in taken("killed")]
        show("killed: step after the new process was started", [(at - spawned).total_seconds() for at in times])
        show("killed: step after its first sign of life", [max(0.0, (at - up).total_seconds()) for at in times])
        while sum(receiver.taken.values()) < 2 * STEPS:
            time.sleep(0.1)
        show("handed over after the step was taken", [seconds for seconds, _ in receiver.late])
        print(f"accepted twice under one key: {sum(count - 1 for count in receiver.taken.values())}")
        process.terminate()
        process.wait()
        mail.stop()


if __name__ == "__main__":
    whole() if "--whole" in sys.argv else main()
