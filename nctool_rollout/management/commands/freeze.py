"""`manage.py freeze …`: what is frozen, and the way through when the web is down."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from core import environments, freezes, freezing
from core.errors import Invalid
from core.freezes import Frozen
from core.repeating import words
from flags.management.door import DoorCommand, actor

if TYPE_CHECKING:
    from core.models import Freeze

FROZEN = 3  # the exit code of `now --check` while something is frozen


class Command(DoorCommand):
    help = "Freezes: when nothing is raised, promoted or released."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        for verb, told in (("list", "the freezes that have not ended"), ("now", "which environments are frozen")):
            sub = verbs.add_parser(verb, help=told)
            sub.add_argument("--json", action="store_true", help="print JSON")
        sub.add_argument("--environment", metavar="E", help="only this one")
        sub.add_argument("--check", action="store_true", help=f"exit with code {FROZEN} while something is frozen")
        override = verbs.add_parser("override", help="let changes through the occurrence that holds now")
        override.add_argument("--environment", metavar="E", required=True)
        override.add_argument("--until", metavar="TIME", help="ISO 8601 with an offset; else until it ends")
        end = verbs.add_parser("end", help="end a freeze for good")
        for sub in (override, end):
            sub.add_argument("id", type=int, help="as `list` shows it")
            sub.add_argument("--reason", required=True, help="kept in the history")
            sub.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        if options["verb"] == "list":
            self._say([_listed(freeze, now) for freeze in freezes.live()], options, "Nothing is planned.")
        elif options["verb"] == "now":
            self._now(options, now)
        elif options["verb"] == "override":
            row = freezing.override(
                options["id"],
                options["environment"],
                actor=actor(),
                reason=options["reason"],
                now=now,
                until=_moment(options["until"]),
            )
            self._say([{"freeze": row.freeze_id, "environment": options["environment"], "until": row.until}], options)
        else:
            done = freezing.end(options["id"], actor=actor(), reason=options["reason"], now=now)
            self._say([{"freeze": done.pk, "name": done.name, "ended_at": done.ended_at}], options)

    def _now(self, options: dict[str, Any], now: datetime) -> None:
        wanted = options["environment"]
        where = [environments.get(wanted)] if wanted else list(environments.ordered())
        held = freezes.held_now(now=now)
        rows = [_held(each.key, held[each.pk]) for each in where if each.pk in held]
        self._say(rows, options, "Nothing is frozen.")
        if rows and options["check"]:
            raise CommandError(f"{len(rows)} frozen.", returncode=FROZEN)

    def _say(self, rows: list[dict[str, Any]], options: dict[str, Any], empty: str = "") -> None:
        if options["json"]:
            self.say_json(rows)
        elif not rows:
            self.stdout.write(empty)
        for row in rows if not options["json"] else ():
            self.stdout.write("  ".join(f"{name}: {_text(value)}" for name, value in row.items()))


def _listed(freeze: Freeze, now: datetime) -> dict[str, Any]:
    table = freezes.timetable(freeze)
    coming = next(iter(freezes.upcoming(freeze, now=now, most=1)), None)
    return {
        "id": freeze.pk,
        "name": freeze.name,
        "environments": [each.key for each in freeze.environments.all()],
        "repeats": words(freeze.recurrence, table.start),
        "zone": freeze.zone,
        "holds_now": coming is not None and coming.holds(now),
        "starts_at": coming and coming.starts_at,
        "ends_at": coming and coming.ends_at,
        "reason": freeze.reason,
    }


def _held(environment: str, frozen: Frozen) -> dict[str, Any]:
    return {
        "environment": environment,
        "freeze": frozen.freeze_id,
        "name": frozen.name,
        "ends_at": frozen.ends_at,
        "reason": frozen.reason,
    }


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(f"{text!r} is no time. Write it like 2025-08-29T18:00+02:00.", field="until") from None
    if found.tzinfo is None:
        raise Invalid("Give --until with an offset, for example 2025-08-29T18:00+02:00.", field="until")
    return found


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} {value.tzname()}"
    return ", ".join(value) if isinstance(value, list) else str(value)
