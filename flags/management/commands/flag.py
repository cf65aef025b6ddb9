"""`manage.py flag …`: see and change flags when the web is down. docs/cli.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from core.errors import Invalid
from flags.adapters import bus
from flags.domain.bucketing import Bucketing
from flags.domain.promotion import PARTS
from flags.domain.values import ValueType
from flags.management import flag_changes, flag_reads
from flags.management.door import DoorCommand

_VERBS = {
    "create": "make a flag, disabled at 0 percent in every environment",
    "list": "all flags, of one environment or of every one",
    "show": "one flag: its state, parameters and who is on its allow-list",
    "history": "who changed what, when and why; newest first",
    "why": "what an npub gets, from every flag and environment, and by which rule",
    "set": "set the percentage, or single parameters",
    "allow": "add npubs to the allow-list, or remove them",
    "enable": "switch on; allow-list and percentage decide for whom",
    "disable": "switch off for everybody and keep the percentage",
    "kill": "emergency: off at once, at 0 percent, with an alert",
    "rollback": "emergency: off because it does harm, with a rollback id",
    "promote": "bring flags in one environment to what they are in another",
}
_EMERGENCY = {"kill", "rollback"}  # these need nobody's approval, and no version


class Command(DoorCommand):
    help = "See and change feature flags."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        for verb, meaning in _VERBS.items():
            sub = verbs.add_parser(verb, help=meaning, description=meaning)
            sub.add_argument("--json", action="store_true", help="print JSON")
            add = _ARGUMENTS.get(verb)
            if verb not in ("list", "why", "promote"):
                sub.add_argument("key", metavar="KEY")
            if verb == "list":
                sub.add_argument("--environment", default="", metavar="E", help="only this one")
            elif verb not in ("why", "promote", "create"):
                sub.add_argument("--environment", required=True, metavar="E")
            if add is not None:
                add(sub)
            if verb not in _READS:
                sub.add_argument("--reason", default="", help="kept in the history; required in protected environments")
            if verb not in (*_READS, *_EMERGENCY, "create"):
                self.add_request_option(sub)

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.localtime()
        verb, as_json = options["verb"], options["json"]
        if verb in _READS:
            values, lines = _READS[verb](options, now)
        else:
            values, lines = flag_changes.do(verb, options, now=now)
        if as_json:
            self.say_json(values)
        else:
            for line in lines:
                self.stdout.write(line)
        if verb not in _READS and not as_json and not bus.reachable():
            self.stdout.write(
                "Redis could not be reached: running processes take the change at their next poll, "
                f"within {settings.SNAPSHOT_POLL_SECONDS} seconds."
            )


def _create(sub: CommandParser) -> None:
    sub.add_argument("--name", required=True)
    sub.add_argument("--description", default="")
    sub.add_argument("--type", choices=list(ValueType), default=ValueType.BOOLEAN.value, dest="value_type")
    sub.add_argument("--variants", metavar="JSON", help='for example \'{"red": "#f00", "blue": "#00f"}\'')
    sub.add_argument("--bucketing", choices=list(Bucketing), default=Bucketing.MURMUR3.value)
    sub.add_argument("--group", default="", help="murmur3 flags of one group share their buckets")
    sub.add_argument("--parameter-schema", metavar="JSON", help="JSON Schema by which parameters are checked")


def _set(sub: CommandParser) -> None:
    sub.add_argument("--percentage", metavar="P", help="0 to 100")
    sub.add_argument("--parameters", metavar="JSON", help="for example '{\"autoCorrection\": true}'")
    _seen(sub)


def _allow(sub: CommandParser) -> None:
    sub.add_argument("--add", nargs="+", default=[], metavar="NPUB")
    sub.add_argument("--remove", nargs="+", default=[], metavar="NPUB")
    _seen(sub)


def _seen(sub: CommandParser) -> None:
    sub.add_argument("--version", type=int, dest="seen", metavar="N", help="refuse if the flag has moved on since")


def _history(sub: CommandParser) -> None:
    sub.add_argument("--limit", type=int, default=20)
    sub.add_argument("--since", metavar="WHEN", help="an ISO 8601 time with its offset, or days as in 7d")


def _why(sub: CommandParser) -> None:
    sub.add_argument("npub", metavar="NPUB")
    sub.add_argument("--environment", default="", metavar="E", help="only this one")
    sub.add_argument("--flag", default="", metavar="KEY", help="only this one")
    sub.add_argument("--attribute", action="append", default=[], metavar="NAME=VALUE", help="of the context")
    sub.add_argument("--over-time", action="store_true", help="after each change of one flag in one environment")


def _promote(sub: CommandParser) -> None:
    sub.add_argument("keys", nargs="+", metavar="KEY")
    sub.add_argument("--from", required=True, dest="source", metavar="E")
    sub.add_argument("--to", required=True, dest="environment", metavar="E")
    sub.add_argument("--part", action="append", choices=list(PARTS), help="take over only this; all when not given")
    sub.add_argument("--waiver", default="", metavar="WHY", help="why environments between the two are skipped")
    sub.add_argument("--dry-run", action="store_true", help="only tell what would change")


_ARGUMENTS: Mapping[str, Callable[[CommandParser], None]] = {
    "create": _create,
    "set": _set,
    "allow": _allow,
    "enable": _seen,
    "disable": _seen,
    "history": _history,
    "why": _why,
    "promote": _promote,
}


def since(text: str | None, *, now: datetime) -> datetime | None:
    """`7d`, or a time with its offset. Raises Invalid for anything else."""
    if not text:
        return None
    if text.endswith("d") and text[:-1].isdecimal():
        return now - timedelta(days=int(text[:-1]))
    try:
        at = parse_datetime(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Invalid(f"--since {text!r} is no time: write 7d, or a time like 2025-08-11T09:00:00+00:00.")
    return at


_READS: Mapping[str, Callable[[Mapping[str, Any], datetime], tuple[Any, flag_reads.Lines]]] = {
    "list": lambda options, now: flag_reads.every_flag(options["environment"], now=now),
    "show": lambda options, now: flag_reads.one_flag(options["key"], options["environment"]),
    "history": lambda options, now: flag_reads.history(
        options["key"],
        options["environment"],
        limit=options["limit"],
        since=since(options["since"], now=now),
        now=now,
    ),
    "why": lambda options, now: flag_reads.answers(
        options["npub"],
        environment=options["environment"],
        flag=options["flag"],
        attributes=options["attribute"],
        over_time=options["over_time"],
        now=now,
    ),
}
