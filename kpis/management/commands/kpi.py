"""`manage.py kpi …`: KPIs when the web is down. docs/kpis.md tells what each is."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandParser
from django.utils import timezone

from core import environments
from core.errors import Invalid
from flags.management.door import DoorCommand, actor
from kpis import selectors
from kpis.domain import table
from kpis.domain.formula import formula
from kpis.domain.words import told
from kpis.selectors import figures, shown
from kpis.selectors.registry import definition_of
from kpis.services import recording, reporting
from kpis.services import standing as standings
from kpis.services.reporting import Given

if TYPE_CHECKING:
    from core.models import Environment

_VERBS = {
    "list": "every KPI as it stands now",
    "show": "one KPI: how it is computed, and how it stood on the last days",
    "compute": "record now what the clock records every five minutes",
    "report": "report a figure from outside, or those of a CSV file",
}
_DAYS = 14


class Command(DoorCommand):
    help = "KPIs: how they stand, and figures from outside."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        for verb, meaning in _VERBS.items():
            sub = verbs.add_parser(verb, help=meaning, description=meaning)
            sub.add_argument("--json", action="store_true", help="print JSON")
            sub.add_argument("--environment", metavar="E", required=True)
            if verb == "show":
                sub.add_argument("key", metavar="KEY")
                sub.add_argument("--days", type=int, default=_DAYS, help=f"of its history ({_DAYS})")
            if verb == "report":
                self._report_arguments(sub)

    def _report_arguments(self, sub: CommandParser) -> None:
        sub.add_argument("key", nargs="?", metavar="KEY")
        sub.add_argument("--start", type=date.fromisoformat, metavar="DAY")
        sub.add_argument("--end", type=date.fromisoformat, metavar="DAY", help="the last day of the period")
        sub.add_argument("--current", type=float, metavar="N")
        sub.add_argument("--baseline", type=float, metavar="N", help="a period as long before the rollout")
        sub.add_argument("--note", default="", help="where it comes from")
        sub.add_argument("--file", type=Path, help="a CSV file instead: all of it is taken, or nothing")
        sub.add_argument("--correct", action="store_true", help="supersede the figure for the same period")

    def handle(self, *args: Any, **options: Any) -> None:
        where = environments.get(options["environment"])
        getattr(self, f"_{options['verb']}")(where, options)

    def _list(self, where: Environment, options: dict[str, Any]) -> None:
        found = selectors.current(where, now=timezone.now())
        if options["json"]:
            self.say_json([shown.brief(figure) for figure in found])
            return
        for figure in found:
            self.stdout.write(told(figure))
        if not found:
            self.stdout.write("No KPI is defined: load a playbook that has some.")

    def _show(self, where: Environment, options: dict[str, Any]) -> None:
        now, definition = timezone.now(), definition_of(selectors.get(options["key"]))
        figure = figures.standing(where, definition, now=now)
        line = selectors.history(where, definition, days=options["days"], now=now)
        if options["json"]:
            days = [{"day": day, **shown.point(each)} for day, each in line]
            self.say_json({**shown.brief(figure), **shown.defined(definition), "days": days})
            return
        self.stdout.write(told(figure))
        self.stdout.write(f"  {definition.meaning}")
        self.stdout.write(f"  {formula(definition)}, over {definition.window} days; owner: {definition.owner}")
        for day, each in line:
            self.stdout.write(f"  {day}  {told(each)}")

    def _compute(self, where: Environment, options: dict[str, Any]) -> None:
        now = timezone.now()
        written = recording.record(where, now=now)
        standings.look(where, now=now)
        if options["json"]:
            self.say_json({"written": written})
            return
        self.stdout.write(f"{written} days of KPIs were recorded.")

    def _report(self, where: Environment, options: dict[str, Any]) -> None:
        who: dict[str, Any] = {"actor": actor(), "now": timezone.now(), "correct": options["correct"]}
        if options["file"]:
            rows = reporting.report_file(where.key, _content(options["file"]), **who)
        else:
            rows = [reporting.report(where.key, _given(options), **who)]
        if options["json"]:
            self.say_json([shown.reported(row) for row in rows])
            return
        for row in rows:
            self.stdout.write(f"{row.kpi.key}, {row.start} to {row.end}: {row.current:g} is taken.")


def _given(options: dict[str, Any]) -> Given:
    missing = [name for name in ("key", "start", "end", "current") if options[name] is None]
    if missing:
        raise Invalid(f"Give {', '.join(missing)} as well, or a --file.")
    fields = ("start", "end", "current", "baseline", "note")
    return Given(options["key"], **{field: options[field] for field in fields})


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return table.read_from(opened)
    except OSError as error:
        raise Invalid(f"{file} cannot be read: {error.strerror}.") from error
