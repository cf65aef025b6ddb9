"""`manage.py incident …`: incidents when the web is down. docs/incidents.md tells what each does."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from core import environments
from core.errors import Invalid
from core.moments import clock, relative
from flags.management.door import DoorCommand, actor, signed_in
from incidents import selectors
from incidents.domain.states import OPEN, IncidentState
from incidents.domain.telling import AUDIENCES
from incidents.models import Incident
from incidents.selectors import timeline
from incidents.selectors.shown import brief, shown
from incidents.services import levelling, opening, steering, telling

_VERBS = {
    "list": "the incidents that are open; --all for the others too",
    "show": "one incident: its checklist, and what happened last",
    "open": "declare an incident",
    "ack": "look after it: it does not escalate any more",
    "update": "tell each audience how it stands",
    "note": "write something into its timeline",
    "state": "say how far it is; investigating opens it again",
    "resolve": "users have what they had before",
    "level": "raise it, or lower it with the password of a person who may",
}
_NEWEST = 10


class Command(DoorCommand):
    help = "Incidents: declare, acknowledge, tell, resolve."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        for verb, meaning in _VERBS.items():
            sub = verbs.add_parser(verb, help=meaning, description=meaning)
            sub.add_argument("--json", action="store_true", help="print JSON")
            if verb not in ("list", "open"):
                sub.add_argument("number", type=int, metavar="NUMBER")
            if verb in ("state", "resolve", "level"):
                sub.add_argument("--reason", default="", help="kept in the timeline")
            self._more(verb, sub)

    def _more(self, verb: str, sub: CommandParser) -> None:
        if verb in ("list", "open"):
            sub.add_argument("--environment", metavar="E", required=verb == "open")
        if verb == "list":
            sub.add_argument("--all", action="store_true", help="also those that are over")
        elif verb == "open":
            sub.add_argument("title")
            sub.add_argument("--level", type=int, required=True, help="1 minor, 2 major, 3 critical")
            sub.add_argument("--summary", default="", help="what is known")
            sub.add_argument("--flag", action="append", default=[], metavar="KEY", help="it is about; several times")
            sub.add_argument("--separate", action="store_true", help="another one is open, and this is another thing")
        elif verb == "update":
            sub.add_argument("text", nargs="?", default="", help="for those inside")
            sub.add_argument(
                "--to", action="append", default=[], metavar="AUDIENCE=TEXT", help=f"{', '.join(AUDIENCES)}"
            )
        elif verb == "note":
            sub.add_argument("text")
            sub.add_argument("--pin", action="store_true", help="on top")
        elif verb == "state":
            sub.add_argument("state", choices=[*sorted(OPEN), "resolved", "closed"])
        elif verb == "level":
            sub.add_argument("level", type=int)
            sub.add_argument("--as", dest="person", default="", metavar="NAME", help="who lowers it; asks the password")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        if options["verb"] == "list":
            self._list(options, now)
            return
        self._show(selectors.get(self._act(options, now=now)), options, now)

    def _act(self, options: dict[str, Any], *, now: datetime) -> int:
        """Do what the verb says; the number of the incident."""
        verb = options["verb"]
        who: dict[str, Any] = {"actor": actor(), "now": now}
        if verb == "open":
            given = {"summary": options["summary"], "flag_keys": options["flag"], "separate": options["separate"]}
            return opening.declare(options["environment"], options["title"], options["level"], **given, **who).pk
        number: int = options["number"]
        if verb == "ack":
            steering.acknowledge(number, **who)
        elif verb == "update":
            telling.update(number, options["text"], texts=_texts(options["to"]), **who)
        elif verb == "note":
            telling.note(number, options["text"], pin=options["pin"], **who)
        elif verb in ("state", "resolve"):
            target = IncidentState(options.get("state", "resolved"))
            steering.set_state(number, target, reason=options["reason"], **who)
        elif verb == "level":
            _level(number, options, now=now)
        return number

    def _list(self, options: dict[str, Any], now: datetime) -> None:
        if options["environment"] is not None:
            environments.get(options["environment"])
        find = selectors.listed if options["all"] else selectors.open_ones
        rows = find(environment=options["environment"])[:200]
        if options["json"]:
            self.say_json([brief(row) for row in rows])
            return
        for row in rows:
            self.stdout.write(_line(row, now))
        if not rows:
            self.stdout.write("No incident here.")

    def _show(self, row: Incident, options: dict[str, Any], now: datetime) -> None:
        if options["json"]:
            self.say_json(shown(row))
            return
        self.stdout.write(_line(row, now))
        for action in row.actions.all():
            done = f"  ({action.done_by}, {clock(action.done_at, now=now)})" if action.done_at else ""
            self.stdout.write(f"  [{'x' if action.done_at else ' '}] {action.text}{done}")
        for fact in row.facts:
            self.stdout.write(f"  ! {fact['text']}")
        for entry in timeline.timeline(row, now=now)[:_NEWEST]:
            event = entry.event
            more = f" × {entry.more + 1}" if entry.more else ""
            self.stdout.write(
                f"  {clock(event.at, now=now)}  {event.actor}: {event.kind}{more} {event.reason}".rstrip()
            )


def _level(number: int, options: dict[str, Any], *, now: datetime) -> None:
    """Up for whoever has this terminal, down for a person who gives the password."""
    told: dict[str, Any] = {"reason": options["reason"], "now": now}
    if options["level"] < selectors.get(number).level:
        if not options["person"]:
            raise Invalid("Only a person lowers a level: say who with --as NAME.", field="person")
        who = signed_in(options["person"], "incidents.lower_level")
        levelling.lower_level(number, options["level"], actor=who, **told)
    else:
        levelling.raise_level(number, options["level"], actor=actor(), **told)


def _texts(given: list[str]) -> dict[str, str]:
    """`users=Payments are slow` as a text for an audience."""
    found = {}
    for each in given:
        audience, equals, text = each.partition("=")
        if not equals:
            raise Invalid(f"Write AUDIENCE=TEXT, not {each!r}.", field="to")
        found[audience] = text
    return found


def _line(row: Incident, now: datetime) -> str:
    owner = row.owner or "nobody"
    due = f", escalates {relative(row.escalate_at, now=now)}" if row.escalate_at else ""
    state = row.state.replace("_", " ")
    return f"{row.pk} {row.environment.key}: level {row.level}, {state}, {owner}{due}: {row.title}"
