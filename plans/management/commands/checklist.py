"""`manage.py checklist …`: see and tick items, and have their commands run, when the web is down."""

from __future__ import annotations

import shlex
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.utils import timezone

from core.errors import Invalid, NotFound
from core.moments import clock
from flags.management.door import DoorCommand, actor
from plans import selectors
from plans.domain.states import ItemState
from plans.models import Checklist, Item
from plans.selectors import shown
from plans.services import attaching, commands, items

MARKING = {
    "pass": ItemState.PASSED,
    "fail": ItemState.FAILED,
    "skip": ItemState.SKIPPED,
    "untick": ItemState.PENDING,
}
VERBS = {
    "show": "the items of a checklist, with their numbers",
    "pass": "it is done, or so",
    "fail": "it is not so",
    "skip": "it does not matter",
    "untick": "open again",
    "run": "have the command of an item run; a runner takes it within seconds",
}
MARKS = {"PENDING": " ", "PASSED": "x", "FAILED": "!", "SKIPPED": "-"}


class Command(DoorCommand):
    help = "Checklists of plans: see them, tick items, run their commands."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        for verb, meaning in VERBS.items():
            sub = verbs.add_parser(verb, help=meaning, description=meaning)
            sub.add_argument("--json", action="store_true", help="print JSON")
            sub.add_argument("plan", type=int, metavar="PLAN", help="its number: manage.py plan list")
            sub.add_argument("list", metavar="LIST", help="its key: manage.py plan show PLAN")
            if verb != "show":
                sub.add_argument("number", type=int, metavar="NUMBER", help="of the item, from 1")
            if verb in MARKING:
                sub.add_argument("--comment", default="", help="why; needed by fail and skip")
            if verb in ("pass", "fail", "skip"):
                sub.add_argument("--file", metavar="PATH", help="that shows it")
            if verb == "run":
                sub.add_argument("--reason", default="", help="kept in the history; required in protected environments")
                sub.add_argument("--onward", action="store_true", help="the items after it too, up to a failure")
                sub.add_argument("--dry-run", action="store_true", help="only tell what would be run from there on")

    def handle(self, *args: Any, **options: Any) -> None:
        now, verb = timezone.now(), options["verb"]
        row = selectors.checklist_of(selectors.plan(options["plan"]), options["list"])
        if verb == "run" and options["dry_run"]:
            self._rehearse(row, options["number"], as_json=options["json"])
            return
        if verb != "show":
            _act(verb, _item(row, options["number"]), options, now=now)
        self._show(selectors.checklist(row.pk), now, as_json=options["json"])

    def _show(self, row: Checklist, now: datetime, *, as_json: bool) -> None:
        told = shown.items(row)
        if as_json:
            self.say_json(told)
            return
        self.stdout.write(row.title)
        for each in told:
            due = f", until {clock(each['due_at'], now=now)}" if each["due_at"] else ""
            who = each["assignee"] or each["owner"]
            self.stdout.write(f"  [{MARKS[each['state']]}] {each['number']:>2} {each['text']} ({who or 'nobody'}{due})")
            if each["why"]:
                self.stdout.write(f"         {each['why']}")
            if each["command"]:
                self.stdout.write(f"         $ {each['command']}")

    def _rehearse(self, row: Checklist, number: int, *, as_json: bool) -> None:
        first = _item(row, number)
        steps = [
            step for step in commands.rehearse(row, settings.RUNNER_PROGRAMS) if step.item.position >= first.position
        ]
        if as_json:
            self.say_json(
                [{"number": step.item.position + 1, "argv": step.argv, "refusal": step.refusal} for step in steps]
            )
            return
        for step in steps:
            told = step.refusal or f"$ {shlex.join(step.argv)}"
            self.stdout.write(f"  {step.item.position + 1:>2} {step.item.text}: {told}")


def _act(verb: str, item: Item, options: dict[str, Any], *, now: datetime) -> None:
    told: dict[str, Any] = {"actor": actor(), "now": now}
    if verb == "run":
        programs = settings.RUNNER_PROGRAMS
        commands.request(item.pk, allowed=programs, reason=options["reason"], onward=options["onward"], **told)
    else:
        file = _file(options.get("file"))
        items.mark(item.pk, MARKING[verb], comment=options["comment"], file=file, **told)


def _item(row: Checklist, number: int) -> Item:
    found = next((each for each in row.items.all() if each.position == number - 1), None)
    if found is None:
        raise NotFound(f"{row.title} has no item {number}.")
    return found


def _file(given: str | None) -> attaching.File | None:
    if given is None:
        return None
    path = Path(given)
    try:
        with path.open("rb") as file:
            return attaching.File(path.name, file.read(attaching.MOST_BYTES + 1))
    except OSError as error:
        raise Invalid(f"{given} cannot be read: {error.strerror}.", field="file") from error
