"""`manage.py report …`: the weekly report without the web. docs/reports.md tells what each does."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from core import environments
from core.errors import Conflict, Invalid
from flags.management.door import DoorCommand, actor
from reports.domain.document import build, digest
from reports.domain.periods import by_hand
from reports.models import Report
from reports.selectors import reports
from reports.selectors.shown import brief, shown
from reports.services import making, releasing

_VERBS = {
    "weekly": "make the report of a time (left out: the last seven days), and show it",
    "list": "the newest reports",
    "show": "one report",
    "verify": "make it again of what is stored with it, and see that it is the same",
    "release": "tell the audiences of the plan, and open its action items",
}
NEWEST = 20


class Command(DoorCommand):
    help = "Weekly reports: make, list, show, verify, release."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        for verb, meaning in _VERBS.items():
            sub = verbs.add_parser(verb, help=meaning, description=meaning)
            sub.add_argument("--json", action="store_true", help="print JSON")
            if verb in ("weekly", "list"):
                sub.add_argument("--environment", metavar="E", help="its key; left out: the last of the order")
            else:
                sub.add_argument("number", type=int, metavar="NUMBER")
            if verb == "weekly":
                sub.add_argument("--from", dest="first", type=date.fromisoformat, metavar="DAY", help="2025-08-04")
                sub.add_argument("--to", dest="last", type=date.fromisoformat, metavar="DAY", help="with it")
            if verb == "release":
                sub.add_argument("--reason", required=True, help="kept in the history")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        if options["verb"] == "list":
            self._list(options)
            return
        row = self._row(options, now=now)
        if options["verb"] == "verify":
            self._verify(row)
        self._show(row, options)

    def _row(self, options: dict[str, Any], *, now: datetime) -> Report:
        if options["verb"] == "weekly":
            return self._weekly(options, now=now)
        if options["verb"] == "release":
            releasing.release(options["number"], reason=options["reason"], actor=actor(), now=now)
        return reports.get(options["number"])

    def _weekly(self, options: dict[str, Any], *, now: datetime) -> Report:
        key = self._environment(options["environment"])
        zone = reports.zone_of(environments.get(key), reports.setup())
        if (options["first"] is None) is not (options["last"] is None):
            raise Invalid("Give both --from and --to, or neither.")
        last = options["last"] or timezone.localtime(now).date() - timedelta(days=1)
        period = by_hand(options["first"] or last - timedelta(days=6), last, zone=zone, now=now)
        return making.make(key, period, actor=actor(), now=now)

    def _environment(self, key: str | None) -> str:
        last = environments.ordered().last()
        if key is None and last is None:
            raise Conflict("There is no environment yet: load a playbook first.")
        return key or str(last.key)  # type: ignore[union-attr]  # asked above

    def _verify(self, row: Report) -> None:
        if digest(row.inputs) != row.digest:
            raise Conflict(f"The inputs of report {row.pk} were changed: their digest is another one.")
        if build(row.inputs) != row.document:
            raise Conflict(f"Report {row.pk} is not what its inputs make: it was changed, or made by another release.")
        self.stderr.write("The stored inputs make the same report.")

    def _list(self, options: dict[str, Any]) -> None:
        found = reports.listed(self._environment(options["environment"]))[:NEWEST]
        if options["json"]:
            self.say_json([brief(row) for row in found])
            return
        for row in found:
            self.stdout.write(f"{row.pk:>5}  {row.state:<9}  {row.title}: {row.headline}")

    def _show(self, row: Report, options: dict[str, Any]) -> None:
        if options["json"]:
            self.say_json(shown(row))
            return
        document = row.document
        self.stdout.write(f"Report {row.pk}, {row.environment.key}, {row.title} ({row.state})\n{row.headline}\n")
        trends = {each["name"]: each["before"]["sentence"] for each in document["analysis"]["trends"]}
        for section, figures in document["metrics"].items():
            self.stdout.write(f"\n{section}")
            for each in figures:
                told = trends.get(each["name"]) or each["why"]
                self.stdout.write(f"  {each['label']}: {each['said']}. {told}")
        self._lines("Changes within the time", [each["sentence"] for each in document["analysis"]["changePoints"]])
        advice = [
            f"[{each['urgency']}] {each['text']} {'; '.join(each['figures'])}" for each in document["recommendations"]
        ]
        self._lines("Recommendations", advice)
        self._lines("Not measured", [f"{each['what']}: {each['why']}" for each in document["unmeasured"]])

    def _lines(self, title: str, lines: list[str]) -> None:
        if lines:
            self.stdout.write(f"\n{title}")
            for line in lines:
                self.stdout.write(f"  {line}")
