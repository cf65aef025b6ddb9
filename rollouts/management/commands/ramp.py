"""`manage.py ramp …`: start and steer ramps when the web is down. docs/ramps.md tells when to do what."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from core import environments
from core.errors import Invalid
from core.moments import clock, relative
from core.requirements import Requirement
from flags.management.door import DoorCommand, actor
from rollouts import selectors
from rollouts.domain.hours import stored
from rollouts.domain.situation import percent
from rollouts.domain.states import LIVE, RampState
from rollouts.selectors import RampView, StepStatus
from rollouts.selectors.radius import next_radius
from rollouts.services import starting, steering

_STEER: dict[str, Callable[..., Any]] = {
    "advance": steering.advance,
    "hold": steering.hold,
    "resume": steering.resume,
    "move": steering.reschedule,
    "skip": steering.skip,
    "back": steering.step_back,
    "rollback": steering.roll_back,
}
_VERBS = {
    "list": "the ramps that have not ended; --all for the others too",
    "show": "one ramp: its steps, what the next one waits for, and whom it reaches",
    "templates": "the ramps of the playbook, to start from",
    "start": "start a ramp of the playbook for its flag in one environment",
    "advance": "take the next step now, on your word",
    "hold": "stop the ramp; the flag keeps its percentage",
    "resume": "let the clock go on, from the last step taken",
    "move": "give the next step another time; the later ones move with it",
    "skip": "leave out the next step",
    "back": "give back the last step: flag and parameters as before it; the ramp is held",
    "rollback": "switch the flag off and end the ramp for good",
}
_MARKS = {StepStatus.TAKEN: "x", StepStatus.NOW: "x", StepStatus.SKIPPED: "-", StepStatus.NEXT: ">"}


class Command(DoorCommand):
    help = "Start and steer ramps."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        for verb, meaning in _VERBS.items():
            sub = verbs.add_parser(verb, help=meaning, description=meaning)
            sub.add_argument("--json", action="store_true", help="print JSON")
            if verb in _STEER or verb == "show":
                sub.add_argument("id", type=int, metavar="ID")
            if verb in _STEER:
                sub.add_argument("--reason", required=True, help="kept in the history")
                sub.add_argument("--version", type=int, dest="seen", metavar="N", help="refuse if it has moved on")
            if verb == "move":
                sub.add_argument("--to", required=True, metavar="TIME", help="for example 2025-09-01T09:00Z")
            if verb in ("start", "advance", "resume"):
                self.add_request_option(sub)
            if verb == "list":
                sub.add_argument("--environment", metavar="E")
                sub.add_argument("--all", action="store_true", help="also those that have ended")
            if verb == "start":
                self._add_start(sub)

    def _add_start(self, sub: CommandParser) -> None:
        sub.add_argument("template", metavar="TEMPLATE")
        sub.add_argument("--environment", required=True, metavar="E")
        sub.add_argument("--reason", default="", help="kept in the history; required in protected environments")
        sub.add_argument(
            "--at", metavar="TIME", help="of the first step, for example 2025-09-01T09:00Z; now if left out"
        )
        sub.add_argument(
            "--pace", type=int, metavar="SECONDS", help="from step to step, in place of the playbook's weeks"
        )
        sub.add_argument(
            "--soak", type=int, metavar="SECONDS", help="of PASS before each step, in place of the playbook's"
        )
        sub.add_argument("--hours", metavar="09:00-17:00", help="when steps may be taken, or any; else by the playbook")
        sub.add_argument("--days", metavar="mon,tue", help="of these hours; Monday to Friday if left out")
        sub.add_argument("--zone", metavar="ZONE", help="of these hours; that of the environment if left out")

    def handle(self, *args: Any, **options: Any) -> None:
        now, verb, as_json = timezone.now(), options["verb"], options["json"]
        if verb == "templates":
            self._templates(as_json=as_json)
        elif verb == "list":
            self._list(_listed(options), now, as_json=as_json)
        elif verb == "show":
            self._show(options["id"], now, as_json=as_json)
        elif verb == "start":
            self._show(_start(options, now), now, as_json=as_json)
        else:
            told = {"actor": actor(), "reason": options["reason"], "now": now, "version": options["seen"]}
            if verb == "move":
                told["to"] = _time(options["to"], field="to")
            done = _STEER[verb](options["id"], **told)
            self._show(options["id"], now, as_json=as_json, rollback_id=done if verb == "rollback" else "")

    def _templates(self, *, as_json: bool) -> None:
        rows = [
            {"key": row.key, "name": row.name, "flag": row.flag.key, "steps": row.steps}
            for row in selectors.templates()
        ]
        if as_json:
            self.say_json(rows)
            return
        for row in rows:
            steps = ", ".join(f"{step['percentage']:g}" for step in row["steps"])
            self.stdout.write(f"{row['key']:28} {row['flag']:28} {steps} %")
        if not rows:
            self.stdout.write("There is none yet: load a playbook.")

    def _list(self, views: list[RampView], now: datetime, *, as_json: bool) -> None:
        if as_json:
            self.say_json([view.as_dict() for view in views])
            return
        for view in views:
            self.stdout.write(_line(view))
            if view.waits_for:
                self.stdout.write(f"      {view.waits_for}")
        if not views:
            self.stdout.write("No ramp here. `manage.py ramp templates` lists what can be started.")

    def _show(self, ramp_id: int, now: datetime, *, as_json: bool, rollback_id: str = "") -> None:
        view = selectors.timeline(ramp_id, now=now)
        radius = next_radius(view, now=now)
        gate = selectors.gate(ramp_id, now=now)
        extra: dict[str, Any] = {
            "radius": radius.as_dict() if radius else None,
            "gate": [asdict(each) for each in gate],
        }
        if rollback_id:
            extra["rollback_id"] = rollback_id
        if as_json:
            self.say_json({**view.as_dict(), **extra})
            return
        for line in [_line(view), *_steps(view, now), *_told(view), *_gate(gate)]:
            self.stdout.write(line)
        if radius:
            self.stdout.write(radius.sentence)
        if rollback_id:
            self.stdout.write(f"Rollback {rollback_id}.")


def _listed(options: dict[str, Any]) -> list[RampView]:
    environment = options["environment"]
    if environment is not None:
        environments.get(environment)
    states = () if options["all"] else [state.value for state in LIVE]
    return selectors.listed(environment=environment, states=states)


def _start(options: dict[str, Any], now: datetime) -> int:
    ramp = starting.start(
        options["template"],
        options["environment"],
        actor=actor(),
        reason=options["reason"],
        now=now,
        starts_at=_time(options["at"]),
        pace=options["pace"],
        soak=options["soak"],
        hours=_hours(options),
    )
    return ramp.pk


def _hours(options: dict[str, Any]) -> dict[str, Any] | None:
    text, days, zone = (options[name] for name in ("hours", "days", "zone"))
    if text is None or text == "any":
        if days or zone:
            raise Invalid("--days and --zone belong to --hours 09:00-17:00.", field="hours")
        return None if text is None else {}
    opens, _, closes = text.partition("-")
    told = {"from": opens, "to": closes, "zone": zone or ""}
    return {**told, "days": days.split(",")} if days else told


def _time(text: str | None, *, field: str = "starts_at") -> datetime | None:
    if text is None:
        return None
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise Invalid(f"{text!r} is no time with its zone: write it as 2025-09-01T09:00Z.", field=field)
    return found


def _line(view: RampView) -> str:
    ramp = view.ramp
    at = f"at {view.now.label}, {percent(view.now.percentage)}" if view.now else "before its first step"
    state = RampState(ramp.state).value.replace("_", " ")
    return (
        f"{ramp.pk:<5} {ramp.flag.key} in {ramp.environment.key}: {state} {at}, "
        f"monitoring {view.monitoring or 'none'}, version {ramp.version} ({ramp.name})"
    )


def _told(view: RampView) -> Iterator[str]:
    if view.ramp.hours:
        yield f"Steps are taken {stored(view.ramp.hours)}."
    if view.waits_for or view.rolled_out:
        yield view.waits_for or f"{view.rolled_out}."


def _gate(gate: list[Requirement]) -> Iterator[str]:
    """What must be true before the next step: `x` is met, `!` is not."""
    for each in gate:
        yield f"  {'x' if each.open else '!'} {each.title}: {each.why}"


def _steps(view: RampView, now: datetime) -> Iterator[str]:
    for step, status in ((row.step, row.status) for row in view.steps):
        share = "allow-list" if step.allow_list_only else percent(step.percentage)
        if step.taken_at:
            when = f"taken {clock(step.taken_at, now=now)} by {step.taken_by}"
        elif step.skipped_at:
            when = f"skipped {clock(step.skipped_at, now=now)} by {step.skipped_by}"
        else:
            when = f"due {clock(step.due_at, now=now)} ({relative(step.due_at, now=now)}), soaks {step.soak} s"
        yield f"  {_MARKS.get(status, ' ')} {step.label:10} {share:>10}  {step.monitoring:9}  {when}"
