"""`manage.py demo`: a release goes bad and is switched off by itself, in about three minutes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, OutputWrapper
from django.urls import reverse
from django.utils import timezone

import flags.selectors
import monitoring.selectors
import rollouts.selectors
from approvals.services import applying, deciding, requests
from communications import selectors as communications
from core import events, moments
from core.actors import Actor, ActorKind
from core.asking import Change
from core.changes import differences
from core.errors import DomainError
from flags.domain.change import StateChange
from flags.services import rollout
from monitoring.services import triggers
from nctool_rollout.management.commands.simulator import fault_file, is_running
from nctool_rollout.supervisor import probes
from rollouts.domain.states import LIVE, RampState
from rollouts.services import clock, steering
from simulator import faults
from simulator.faults import Fault, Kind
from simulator.plan import ATOMIC

ENVIRONMENT = "production"  # where the simulator plays
TEMPLATE = "atomic-six-week"
ACTOR = Actor("demo", ActorKind.COMMAND)
APPROVER = Actor("demo-approver", ActorKind.PERSON)  # the demo plays both; in earnest it is somebody who is signed in
FAULT = Fault(Kind.ERRORS, ATOMIC, 20)
PACE = 45  # seconds between two steps, in place of the playbook's weeks
SOAK = 5  # seconds of PASS before a step, in place of its hour
HIGH_ENOUGH = 60  # percent; with a few users a rate of errors proves nothing for a long time
LOOK_EVERY = 0.5
SIMULATOR_STARTS = 15.0  # seconds
CLOCK_EVERY = 2.0
RATE = "40"  # melts a second on a system of its own: verdicts need a hundred of the few users at the first step


class Command(BaseCommand):
    help = "Play the whole story: a ramp, a fault, the rollback by the guard, the held ramp and the alert."
    requires_system_checks = ["rollout"]

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--own", action="store_true", help="On a system of its own, even when one runs on this DATA_DIR."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["own"] or settings.RUNNING is None:
            self._on_own_system()
            return
        if not _simulator_plays():
            raise CommandError("No simulator plays here. Start one: python manage.py simulator run")
        try:
            Story(settings.RUNNING.url, self.stdout).play()
        except DomainError as error:
            raise CommandError(f"The story ends here: {error}") from error

    def _on_own_system(self) -> None:
        with tempfile.TemporaryDirectory(prefix="nctool-demo-") as directory, running_system(Path(directory)) as own:
            self.stdout.write(f"A system of its own for this demo: {own['DATA_DIR']}, port {own['PORT']}")
            self.stdout.flush()
            told = subprocess.run(manage("demo"), env=own, check=False)  # noqa: S603
        if told.returncode:
            sys.exit(told.returncode)
        self.stdout.write("The system of the demo is stopped. To look around in one: make run, then make demo.")


def _simulator_plays() -> bool:
    """A simulator runs here, or does within a few seconds: it is the last part of a system to start."""
    end = time.monotonic() + SIMULATOR_STARTS
    while not is_running() and time.monotonic() < end:
        time.sleep(LOOK_EVERY)
    return is_running()


class Story:
    """The steps in their order. Each waits for what it says, and fails with what was missing."""

    def __init__(self, url: str, out: OutputWrapper) -> None:
        self._url, self._out = url, out
        self._began = timezone.now()
        self._told = _last_event()
        self._waits_for = self._reason = ""
        self._ramp = 0
        self._fault_at = self._began

    def play(self) -> None:
        self._say(f"{ATOMIC} in {ENVIRONMENT} of {self._url}")
        self._tidy_up()
        self._start()
        try:
            self._rise()
            self._break_and_heal()
        finally:
            faults.write(fault_file(), [])
        self._sum_up()

    def _tidy_up(self) -> None:
        """End what the last demo left. What anybody else left is theirs: refused with what to do."""
        now = timezone.now()
        newest = rollouts.selectors.ramps().filter(flag__key=ATOMIC, environment__key=ENVIRONMENT).first()
        state = flags.selectors.state(ATOMIC, ENVIRONMENT)
        latched = [fact for fact in monitoring.selectors.verdicts_for(ATOMIC, ENVIRONMENT) if fact.latched]
        ours = newest is not None and newest.started_by == ACTOR.name
        if not ours and (state.enabled or state.disabled_at or latched or _is_live(newest)):
            raise CommandError(
                f"{ATOMIC} in {ENVIRONMENT} is in use (enabled, halted, on a ramp, or with a trigger that fired), and "
                "not by a demo. See it to its end first, or play on a system of its own: python manage.py demo --own"
            )
        faults.write(fault_file(), [])
        why = "The demo begins again."
        if newest is not None and _is_live(newest):
            steering.roll_back(newest.pk, actor=ACTOR, reason=why, now=now)
        for fact in latched:
            triggers.rearm(fact.trigger, ENVIRONMENT, actor=ACTOR, reason=why, now=now)
        if ours:
            clean = StateChange(enabled=True, percentage=0)
            rollout.change(ATOMIC, ENVIRONMENT, clean, actor=ACTOR, reason=why, now=now)
            rollout.disable(ATOMIC, ENVIRONMENT, actor=ACTOR, reason=why, now=now)

    def _start(self) -> None:
        self._say(f"The playbook's ramp is asked for, with {PACE} s in place of each week. Another person approves it.")
        start = Change("ramp.start", ATOMIC, {"template": TEMPLATE, "pace": PACE, "soak": SOAK})
        self._four_eyes([start], title="Six weeks in minutes", reason="A demo of six weeks in minutes.")
        self._ramp = rollouts.selectors.ramps().filter(flag__key=ATOMIC, environment__key=ENVIRONMENT)[0].pk

    def _four_eyes(self, changes: list[Change], *, title: str, reason: str) -> None:
        """Ask, have it approved by the demo's other person, and apply it."""
        now = timezone.now()
        request = requests.open_request(ENVIRONMENT, changes, title=title, reason=reason, actor=ACTOR, now=now)
        deciding.approve(request.pk, digest=request.digest, comment="Looks right.", actor=APPROVER, now=timezone.now())
        applying.apply(request.pk, actor=ACTOR, now=timezone.now())
        self._tell_events()

    def _rise(self) -> None:
        self._say("The clock takes the first step, and the next one once every trigger says PASS.")
        self._until(lambda: rollouts.selectors.get(self._ramp).position >= 2, "the second step", 300, self._tick)
        self._say(f"Somebody is in a hurry: {HIGH_ENOUGH} % before its time. That is a raise, so it takes two as well.")
        left = rollouts.selectors.get(self._ramp).steps.filter(taken_at=None, percentage__lte=HIGH_ENOUGH).count()
        advance = Change("ramp.advance", ATOMIC, {"ramp": self._ramp})
        self._four_eyes([advance] * left, title="Hurry up", reason="We are late, and all looks well.")
        self._pass(8)

    def _break_and_heal(self) -> None:
        self._say(f"The release goes bad: {FAULT.rate:g} % of the melts with the flag on fail from now on.")
        self._fault_at = timezone.now()
        faults.write(fault_file(), [FAULT])
        self._until(self._rolled_back, "the rollback by the guard", 90)
        self._until(lambda: rollouts.selectors.get(self._ramp).state == RampState.HELD, "the held ramp", 30)
        self._until(lambda: self._alert() is not None, "the alert", 30)

    def _rolled_back(self) -> bool:
        state = flags.selectors.state(ATOMIC, ENVIRONMENT)
        return not state.enabled and state.rollback_id != ""

    def _alert(self) -> Any:
        return communications.alerts().filter(event__at__gte=self._fault_at, feature=ATOMIC).first()

    def _tick(self) -> None:
        """Look at the ramps as the clock does, only more often than its every 30 s. And tell what they wait for."""
        clock.advance_due(now=timezone.now())
        self._tell_events()
        waits_for = rollouts.selectors.timeline(self._ramp, now=timezone.now()).waits_for
        if waits_for and waits_for != self._waits_for:
            self._line(timezone.now(), f"  waits: {waits_for}")
        self._waits_for = waits_for

    def _until(self, true: Callable[[], bool], what: str, seconds: float, work: Callable[[], object] = bool) -> None:
        """Tell the events as they come, until it is true."""
        end, next_work = time.monotonic() + seconds, 0.0
        while not true():
            if time.monotonic() > end:
                self._tell_events()
                raise CommandError(f"{what.capitalize()} did not come within {seconds:g} s. {self._waits_for}".strip())
            if time.monotonic() >= next_work:
                work()
                next_work = time.monotonic() + CLOCK_EVERY
            self._tell_events()
            time.sleep(LOOK_EVERY)
        self._tell_events()

    def _pass(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._tell_events()
            time.sleep(LOOK_EVERY)

    def _tell_events(self) -> None:
        for event in events.recent().filter(id__gt=self._told).order_by("id"):
            self._told = event.pk
            changed = ", ".join(f"{one.field} {one.before or '–'} → {one.after or '–'}" for one in _short(event))
            self._line(event.at, f"{event.kind:<22} {event.actor:<6} {changed}")
            if event.reason not in ("", self._reason):
                self._line(None, f"{'':<22} {'':<6} {event.reason}")
            self._reason = event.reason

    def _sum_up(self) -> None:
        state, alert = flags.selectors.state(ATOMIC, ENVIRONMENT), self._alert()
        took = (state.rollback_at - self._fault_at).total_seconds() if state.rollback_at else 0.0
        url = self._url
        self._say(f"From fault to off: {took:.0f} s. The whole story: {moments.span(timezone.now() - self._began)}.")
        for line in (
            f"The flag is off: {state.rollback_reason} ({state.rollback_id})",
            f"The alert: {str(alert).partition(chr(10))[0]}",
            "The fault is cleared. Ramp and trigger stay as the guard left them: held and latched, until a person",
            "has looked, re-arms the trigger and resumes the ramp, or runs the demo again, which tidies up first.",
            f"  Ramp      {url}{reverse('admin:rollouts_ramp_change', args=[self._ramp])}",
            f"  Trigger   {url}{reverse('admin:monitoring_trigger_changelist')}",
            f"  Alert     {url}{reverse('admin:communications_alert_changelist')}",
        ):
            self._out.write(f"  {line}")

    def _say(self, text: str) -> None:
        self._out.write(f"\n{text}")
        self._out.flush()

    def _line(self, at: datetime | None, text: str) -> None:
        when = "" if at is None else f"{at:%H:%M:%S} {(at - self._began).total_seconds():+5.0f} s"
        self._out.write(f"  {when:<16}  {text}".rstrip())
        self._out.flush()


def _is_live(ramp: Any) -> bool:
    return ramp is not None and RampState(ramp.state) in LIVE


def _last_event() -> int:
    return events.recent().values_list("pk", flat=True).first() or 0


def _short(event: Any) -> list[Any]:
    """The few fields that tell the story."""
    told = {"enabled", "percentage", "state", "position", "verdict", "value", "rollback_id"}
    return [one for one in differences(event.before, event.after) if one.field in told]


def manage(*arguments: str) -> list[str]:
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]


@contextmanager
def running_system(directory: Path) -> Iterator[dict[str, str]]:
    """A whole system below this directory, ready; the environment in which commands find it. Stopped at the end."""
    port = probes.free_port(8400)
    foreign = ("DATABASE_URL", "REDIS_URL", "NCTOOL_MONGODB_URL", "PRODUCTION", "SLACK_WEBHOOK_URL", "ALERT_EMAILS")
    own = {name: value for name, value in os.environ.items() if name not in foreign}
    own |= {"DATA_DIR": str(directory), "PORT": str(port), "DEMO_USERS": "on", "SIMULATOR": "on", "HTTPS": "off"}
    own |= {"SIMULATOR_RATE": RATE}
    subprocess.run(manage("setup"), env=own, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    log = directory / "up.log"
    with log.open("wb") as file:
        system = subprocess.Popen(manage("up"), env=own, stdout=file, stderr=file)  # noqa: S603
    try:
        while not ((directory / "run.json").exists() and probes.ready(probes.HOST, port, probes.HOST)):
            if system.poll() is not None:
                raise CommandError(f"The demo's system did not start:\n{log.read_text(encoding='utf-8')}")
            time.sleep(LOOK_EVERY)
        yield own
    finally:
        system.terminate()
        system.wait(15)
