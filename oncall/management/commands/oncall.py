"""`manage.py oncall …`: who is on call, and an answer to an escalation when the web is down. docs/on-call.md."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import CommandParser
from django.utils import timezone

from core.errors import Conflict
from core.moments import relative
from core.repeating import joined
from flags.management.door import DoorCommand, actor
from oncall import selectors
from oncall.models import Escalation
from oncall.selectors import shown
from oncall.services import escalating

_VERBS = {
    "who": "who is on call now, and until when",
    "schedule": "the shifts and gaps of one schedule",
    "escalations": "who is being called about what; --all for those that are over too",
    "acknowledge": "you have it: nobody else is called",
    "stop": "end an escalation for good",
}


class Command(DoorCommand):
    help = "Who is on call, and the escalations."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        for verb, meaning in _VERBS.items():
            sub = verbs.add_parser(verb, help=meaning, description=meaning)
            sub.add_argument("--json", action="store_true", help="print JSON")
            if verb == "schedule":
                sub.add_argument("key", metavar="KEY")
                sub.add_argument("--days", type=int, default=14, help="1 to 92; 14")
            elif verb == "escalations":
                sub.add_argument("--environment", metavar="E")
                sub.add_argument("--all", action="store_true", help="also those that are over")
            elif verb in ("acknowledge", "stop"):
                sub.add_argument("id", type=int, metavar="ID")
                sub.add_argument("--reason", default="", required=verb == "stop", help="kept in the history")

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, f"_{options['verb']}")(options, timezone.now())

    def _who(self, options: dict[str, Any], now: datetime) -> None:
        found = [shown.on_call(row, now=now) for row in selectors.schedules(now=now)]
        if options["json"]:
            self.say_json(found)
            return
        for each in found:
            zone, until = ZoneInfo(each["zone"]), each["until"]
            end = f" until {until.astimezone(zone):%a %d %b %H:%M %Z}" if until else ""
            coming = f", then {joined(each['next']['people'])}" if each["next"] else ""
            self.stdout.write(f"{each['schedule']:20} {joined(each['people']) or 'NOBODY'}{end}{coming}")
        if not found:
            self.stdout.write("There is no schedule yet.")

    def _schedule(self, options: dict[str, Any], now: datetime) -> None:
        row = selectors.schedule_of(options["key"], now=now)
        days = min(max(options["days"], 1), 92)
        found = shown.shifts(row, now, now + timedelta(days=days))
        if options["json"]:
            self.say_json(found)
            return
        zone = ZoneInfo(row.zone)
        for each in found:
            since, until = (each[name].astimezone(zone) for name in ("starts_at", "ends_at"))
            who = joined(each["people"]) or "NOBODY"
            self.stdout.write(f"{since:%a %d %b %H:%M} to {until:%a %d %b %H:%M %Z}  {who} ({each['source']})")

    def _escalations(self, options: dict[str, Any], now: datetime) -> None:
        rows = selectors.listed(environment=options["environment"], live=None if options["all"] else True)[:200]
        if options["json"]:
            self.say_json([shown.escalation(row) for row in rows])
            return
        for row in rows:
            self.stdout.write(_line(row, now))
        if not rows:
            self.stdout.write("Nobody is being called.")

    def _acknowledge(self, options: dict[str, Any], now: datetime) -> None:
        row = _live(options["id"])
        done = escalating.acknowledge(row.subject, reason=options["reason"], actor=actor(), now=now)
        self._tell(done, options, now)

    def _stop(self, options: dict[str, Any], now: datetime) -> None:
        row = _live(options["id"])
        done = escalating.stop(row.subject, reason=options["reason"], actor=actor(), now=now)
        self._tell(done or row, options, now)

    def _tell(self, row: Escalation, options: dict[str, Any], now: datetime) -> None:
        if options["json"]:
            self.say_json(shown.escalation(row))
        else:
            self.stdout.write(_line(row, now))


def _live(pk: int) -> Escalation:
    row = selectors.escalation(pk)
    if row.ended_at is not None:
        raise Conflict(f"Escalation {pk} is over already. Nothing was changed.")
    return row


def _line(row: Escalation, now: datetime) -> str:
    where = f" in {row.environment.key}" if row.environment else ""
    coming = f", next step {relative(row.due_at, now=now)}" if row.due_at else ""
    by = f" by {row.acknowledged_by}" if row.acknowledged_by else ""
    return f"{row.pk:>5}  level {row.level}{where}: {row.title} ({row.subject}), {row.state}{by}{coming}"
