"""`manage.py plan …`: plans, phases and checklists when the web is down. docs/plans.md tells when to do what."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from core import environments
from core.moments import clock
from flags.management.door import DoorCommand, actor, signed_in
from plans import selectors
from plans.selectors import shown
from plans.services import phases, plans

STEER: dict[str, Callable[..., Any]] = {
    "pause": plans.pause,
    "resume": plans.resume,
    "complete": plans.complete,
    "abort": plans.abort,
    "roll-back-all": plans.roll_back,
}
PHASE: dict[str, Callable[..., Any]] = {
    "begin": phases.start,
    "finish": phases.complete,
    "roll-back": phases.roll_back,
    "approve": phases.approve,
}
VERBS = {
    "list": "the plans that live; --all for the others too",
    "templates": "the plans of the playbook, to start from",
    "show": "one plan: its phases, what their gates wait for, its checklists",
    "start": "start a plan of the playbook in one environment",
    "pause": "let nothing of it start or end; ramps that run go on",
    "resume": "let it go on",
    "complete": "end it: every phase is completed",
    "abort": "end it before its time; flags and ramps stay as they are",
    "roll-back-all": "switch the features of every phase that has begun off, and end the plan",
    "begin": "start a phase, through its gate",
    "finish": "complete a phase, through its gate",
    "roll-back": "switch the features of a phase off at once",
    "approve": "say that a phase may start, with the password of a person who may",
    "waive": "let a phase pass although one requirement is not met, with the password of a person who may",
}
MARKS = {"met": "x", "waived": "w", "unmet": " ", "unknown": "?"}


class Command(DoorCommand):
    help = "Plans and their phases. Their checklists: manage.py checklist."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        for verb, meaning in VERBS.items():
            sub = verbs.add_parser(verb, help=meaning, description=meaning)
            sub.add_argument("--json", action="store_true", help="print JSON")
            if verb in STEER or verb in PHASE or verb in ("show", "waive"):
                sub.add_argument("id", type=int, metavar="ID")
            if verb in PHASE or verb == "waive":
                sub.add_argument("phase", metavar="PHASE")
            if verb in STEER or verb in PHASE or verb in ("start", "waive"):
                sub.add_argument("--reason", required=True, help="kept in the history")
            self._more(verb, sub)

    def _more(self, verb: str, sub: CommandParser) -> None:
        if verb in ("approve", "waive"):
            sub.add_argument("--as", dest="person", required=True, metavar="NAME", help="who; asks the password")
        if verb in STEER or (verb in PHASE and verb != "approve"):
            sub.add_argument("--version", type=int, dest="seen", metavar="N", help="refuse if it has moved on")
        if verb == "waive":
            sub.add_argument("requirement", metavar="REQUIREMENT", help="as `show --json` has it, checklist:migration")
            sub.add_argument("--hours", type=int, default=4, help="for how long; 4")
        elif verb == "list":
            sub.add_argument("--environment", metavar="E")
            sub.add_argument("--all", action="store_true", help="also those that have ended")
        elif verb == "start":
            sub.add_argument("template", metavar="PLAN")
            sub.add_argument("--environment", required=True, metavar="E")

    def handle(self, *args: Any, **options: Any) -> None:
        now, verb = timezone.now(), options["verb"]
        if verb == "list":
            self._list(options, now)
        elif verb == "templates":
            self._templates(as_json=options["json"])
        else:
            self._show(_act(verb, options, now=now), now, as_json=options["json"])

    def _list(self, options: dict[str, Any], now: datetime) -> None:
        where = options["environment"]
        if where is not None:
            environments.get(where)
        found = list(selectors.plans(where) if options["all"] else selectors.live(where))
        if options["json"]:
            self.say_json([shown.brief(plan) for plan in found])
            return
        for plan in found:
            begun = clock(plan.started_at, now=now)
            self.stdout.write(f"{plan.pk:<5} {plan.name} in {plan.environment.key}: {plan.state}, begun {begun}")
        if not found:
            self.stdout.write("No plan here. `manage.py plan templates` lists what can be started.")

    def _templates(self, *, as_json: bool) -> None:
        rows = [{"key": row.key, "name": row.name} for row in selectors.templates()]
        if as_json:
            self.say_json(rows)
            return
        for row in rows:
            self.stdout.write(f"{row['key']:28} {row['name']}")
        if not rows:
            self.stdout.write("There is none yet: load a playbook that has one.")

    def _show(self, plan_id: int, now: datetime, *, as_json: bool) -> None:
        told = shown.shown(selectors.plan(plan_id), now=now)
        if as_json:
            self.say_json(told)
            return
        self.stdout.write(
            f"{told['id']:<5} {told['name']} in {told['environment']}: {told['state']}, version {told['version']}"
        )
        for phase in told["phases"]:
            weeks = "-".join(str(week) for week in dict.fromkeys(phase["weeks"]))
            state = phase["state"].replace("_", " ")
            self.stdout.write(f"\n{phase['key']}: {phase['name']}, week {weeks}: {state}, version {phase['version']}")
            for each in phase["gate"]:
                remedy = "" if each["standing"] in ("met", "waived") else f" {each['remedy']}"
                self.stdout.write(f"  [{MARKS[each['standing']]}] {each['title']}: {each['why']}{remedy}")
        self.stdout.write("\nChecklists (manage.py checklist show ID KEY):")
        for row in told["checklists"]:
            due = f", due {clock(row['due_at'], now=now)}" if row["due_at"] and not row["completed_at"] else ""
            failed = f", {row['failed']} failed" if row["failed"] else ""
            self.stdout.write(f"  {row['key']:32} {row['done']:>3} of {row['total']}{failed}{due}")


def _act(verb: str, options: dict[str, Any], *, now: datetime) -> int:
    """Do what the verb says; the id of the plan."""
    if verb == "start":
        told = {"actor": actor(), "reason": options["reason"], "now": now}
        return plans.start(options["template"], options["environment"], **told).pk
    plan = selectors.plan(options["id"])
    if verb == "show":
        return plan.pk
    told = {"reason": options["reason"], "now": now}
    told["actor"] = signed_in(options["person"], "plans.approve_phase") if "person" in options else actor()
    if "seen" in options:
        told["version"] = options["seen"]
    if verb in STEER:
        STEER[verb](plan.pk, **told)
        return plan.pk
    phase = selectors.phase_of(plan, options["phase"])
    if verb == "waive":
        until = now + timedelta(hours=options["hours"])
        phases.waive(phase.pk, options["requirement"], expires_at=until, **told)
    else:
        PHASE[verb](phase.pk, **told)
    return plan.pk
