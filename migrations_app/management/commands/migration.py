"""`manage.py migration …`: everything a migration needs when the web is down. docs/migrations.md is the runbook."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from core import environments, heartbeats
from flags.management.door import DoorCommand, actor, signed_in
from migrations_app import selectors
from migrations_app.adapters import modules
from migrations_app.domain.states import AT_WORK, LIVE, RunState
from migrations_app.management import new, printing
from migrations_app.selectors.shown import shown
from migrations_app.services import keeping, migrator, planning, readiness, requesting, steering, verifying

VERBS = {
    "status": "each migration and what is applied where, and the runs that wait or are under way",
    "readiness": "is the database ready? ends with 1 when it is not",
    "waive": "let checks of the readiness pass for some hours, with the password of a person who may",
    "plan": "what a run would do; nothing is changed",
    "dry-run": "the same, with a few documents before and after",
    "run": "ask for a run, and follow it to its end",
    "rollback": "ask for a run to be taken back, and follow that",
    "show": "one run: plan, progress, validation, log",
    "approve": "say yes to its plan, with the password of a person who may",
    "refuse": "close a request for good",
    "follow": "watch a run until it is over or waits for a person",
    "pause": "let it stand still after the batch it is at",
    "resume": "let it go on: after a pause, a canary, or a rollback that failed",
    "abort": "end it and take back what it did; --leave: leave that",
    "speed": "how many percent of the time it works",
    "verify": "is the data as the migration says? every document; ends with 1 when it is not",
    "unlock": "take the lock of a database away from a worker that is gone",
    "new": "write a migration to fill in, and its test",
    "forget": "drop the journal of a run that is over: there is no way back then",
}
OF_RUN = ("rollback", "show", "approve", "refuse", "follow", "pause", "resume", "abort", "speed", "forget")
OF_PLACE = ("readiness", "plan", "dry-run", "run", "verify")
WITH_REASON = ("run", "rollback", "refuse", "abort", "unlock", "forget", "waive")
FOLLOWED = ("run", "rollback", "follow")
OPTIONS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "name": (("new",), {"metavar": "NAME", "help": "small letters and underscores"}),
    "percent": (("speed",), {"type": int, "metavar": "PERCENT"}),
    "--phases": (
        ("readiness", "plan", "dry-run", "run", "rollback"),
        {"nargs": "+", "default": [], "metavar": "P", "help": "schema, data, cleanup"},
    ),
    "--canary": (
        ("plan", "dry-run", "run"),
        {"type": int, "default": 0, "metavar": "PERCENT", "help": "done before it waits for a person"},
    ),
    "--traffic": (
        ("plan", "dry-run", "run"),
        {"default": "live", "help": "live, or stopped: then no total may move"},
    ),
    "--no-wait": (FOLLOWED, {"action": "store_true", "help": "do not follow it"}),
    "--here": (FOLLOWED, {"action": "store_true", "help": "work in this process, where no migrator runs"}),
    "check": (("waive",), {"nargs": "+", "metavar": "CHECK", "help": "as `readiness` calls them"}),
    "--hours": (("waive",), {"type": int, "required": True, "help": "1 to 24"}),
    "--as": (
        ("approve", "waive"),
        {"dest": "person", "required": True, "metavar": "NAME", "help": "who; asks the password"},
    ),
    "--digest": (("approve",), {"required": True, "help": "of the plan you looked at: `show` tells it"}),
    "--leave": (("abort",), {"action": "store_true", "help": "leave what it has changed"}),
}
LOOK = 0.5  # seconds between two looks at a run that is followed
FAILED = frozenset(
    {RunState.FAILED, RunState.ROLLED_BACK, RunState.ROLLBACK_FAILED, RunState.ABANDONED, RunState.REFUSED}
)


class Command(DoorCommand):
    help = "Migrations of nctool's database: ready, run, watched, taken back."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        for verb, meaning in VERBS.items():
            sub = verbs.add_parser(verb, help=meaning, description=meaning)
            sub.add_argument("--json", action="store_true", help="print JSON")
            if verb in OF_RUN:
                sub.add_argument("id", metavar="ID", help="mr-…")
            if verb in OF_PLACE:
                sub.add_argument("number", metavar="NUMBER", help="of the migration, such as 002")
            if verb in (*OF_PLACE, "unlock", "waive", "status"):
                sub.add_argument("--environment", required=verb != "status", metavar="E")
            if verb in WITH_REASON:
                sub.add_argument("--reason", required=True, help="kept in the history")
            self._more(verb, sub)

    def _more(self, verb: str, sub: CommandParser) -> None:
        for name, (verbs, given) in OPTIONS.items():
            if verb in verbs:
                sub.add_argument(name, **given)

    def handle(self, *args: Any, **options: Any) -> None:
        look: Callable[[dict[str, Any]], None] | None = {
            "status": self._status,
            "readiness": self._readiness,
            "waive": self._waive,
            "plan": self._plan,
            "dry-run": self._plan,
            "verify": self._verify,
            "unlock": self._unlock,
            "new": self._new,
        }.get(options["verb"])
        if look is not None:
            look(options)
            return
        uid = self._act(options["verb"], options, now=timezone.now())
        if options["verb"] in FOLLOWED and not options["no_wait"]:
            self._follow(uid, here=options["here"], quiet=options["json"])
        row = selectors.get(uid)
        self._say(shown(row), printing.run(row), options)
        if options["verb"] in FOLLOWED and RunState(row.state) in FAILED:
            raise CommandError(f"{uid} is {row.state.replace('_', ' ')}: {row.error}")

    def _act(self, verb: str, options: dict[str, Any], *, now: datetime) -> str:
        """Do what the verb says; the id of the run."""
        if verb == "run":
            wanted = self._wanted(options)
            return requesting.request(wanted, reason=options["reason"], actor=actor(), now=now).uid
        uid: str = options["id"]
        told: dict[str, Any] = {"actor": actor(), "now": now}
        if "reason" in options:
            told["reason"] = options["reason"]
        if verb == "rollback":
            return requesting.request_rollback(uid, options["phases"], **told).uid
        if verb == "approve":
            person = signed_in(options["person"], "migrations_app.approve_migration")
            requesting.approve(uid, digest=options["digest"], actor=person, now=now)
        elif verb == "abort":
            steering.abort(uid, leave=options["leave"], **told)
        elif verb == "speed":
            steering.set_speed(uid, options["percent"], **told)
        elif verb in ("refuse", "pause", "resume", "forget"):
            does: dict[str, Callable[..., object]] = {
                "refuse": requesting.refuse,
                "pause": steering.pause,
                "resume": steering.resume,
                "forget": keeping.forget,
            }
            does[verb](uid, **told)
        return uid

    def _follow(self, uid: str, *, here: bool, quiet: bool) -> None:
        """Until it is over or waits for a person. Ctrl-C ends the watching, not the run."""
        last = ""
        while True:
            row = selectors.get(uid)
            line = printing.bar(row)
            if line != last and not quiet:
                self.stdout.write(line)
                last = line
            if RunState(row.state) not in AT_WORK:
                return
            name = f"{socket.gethostname()}:{os.getpid()}"
            if not (here and migrator.run_next(worker=name, clock=timezone.now)):
                time.sleep(LOOK)

    def _wanted(self, options: dict[str, Any]) -> planning.Wanted:
        given = {name: options[name] for name in ("canary", "traffic")}
        return planning.wanted(options["environment"], options["number"], options["phases"], **given)

    def _plan(self, options: dict[str, Any]) -> None:
        found = planning.plan(self._wanted(options), samples=options["verb"] == "dry-run")
        self._say(found, printing.plan(found), options)

    def _readiness(self, options: dict[str, Any]) -> None:
        migration = modules.get(options["number"]).migration
        found = readiness.look(options["environment"], migration, options["phases"] or None, now=timezone.now())
        self._say(found.as_dict(), printing.readiness(found), options)
        if not found.ready:
            raise CommandError(f"The database of {options['environment']} is not ready.")

    def _waive(self, options: dict[str, Any]) -> None:
        person = signed_in(options["person"], "migrations_app.approve_migration")
        told = {"reason": options["reason"], "hours": options["hours"], "actor": person, "now": timezone.now()}
        made = readiness.waive_all(options["environment"], options["check"], **told)
        lines = [f"{row.check_name} passes until {row.expires_at:%H:%M} UTC" for row in made]
        self._say({"waived": [row.check_name for row in made]}, lines, options)

    def _verify(self, options: dict[str, Any]) -> None:
        found = verifying.verify(options["environment"], options["number"])
        verifying.tell_differences(found, actor=actor(), now=timezone.now())
        self._say(found, printing.validation(found), options)
        if not found["ok"]:
            raise CommandError(f"The data of {options['environment']} is not as migration {options['number']} says.")

    def _unlock(self, options: dict[str, Any]) -> None:
        told = {"reason": options["reason"], "actor": actor(), "now": timezone.now()}
        found = steering.unlock(options["environment"], **told)
        self._say({"unlocked": found}, [found], options)

    def _new(self, options: dict[str, Any]) -> None:
        directory = Path(settings.NCTOOL_MIGRATIONS)
        paths = new.new(options["name"], directory=directory, tests=directory.parent / "tests" / directory.name)
        found = [str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path) for path in paths]
        self._say({"written": found}, found, options)

    def _status(self, options: dict[str, Any]) -> None:
        keys = [options["environment"]] if options["environment"] else [row.key for row in environments.ordered()]
        loaded = modules.load()
        applied = {
            number: {key: run.uid for key in keys if (run := selectors.applied(key, number))} for number in loaded
        }
        live = [row for row in selectors.runs() if row.state in LIVE and row.environment.key in keys]
        seen = heartbeats.last().get("migrator")
        found = {"migrations": applied, "runs": [shown(row) for row in live], "migrator": seen}
        lines = [*printing.status(loaded, applied, keys, live), printing.worker(seen, now=timezone.now())]
        self._say(found, lines, options)

    def _say(self, found: object, lines: list[str], options: dict[str, Any]) -> None:
        if options["json"]:
            self.say_json(found)
            return
        for line in lines:
            self.stdout.write(line)
