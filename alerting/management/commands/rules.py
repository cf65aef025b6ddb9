"""`manage.py rules …`: import, export, list and try alert rules."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from alerting import selectors
from alerting.domain import durations, rulefile
from alerting.services import exporting, past, rules
from core.errors import NotFound
from core.moments import clock
from flags.management.door import DoorCommand, actor
from monitoring import selectors as monitoring


class Command(DoorCommand):
    help = "Alert rules: read them from a file, write them for a Prometheus, and try them on what was."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        listed = verbs.add_parser("list", help="all rules and where they stand")
        read = verbs.add_parser("import", help="make or change the rules of a file (ours or Prometheus')")
        read.add_argument("file", metavar="FILE")
        read.add_argument("--source", default="", metavar="KEY", help="the Prometheus that evaluates them")
        read.add_argument("--check", action="store_true", help="only say what is wrong with it")
        read.add_argument("--reason", default="", help="for the history; the name of the file when left out")
        written = verbs.add_parser("export", help="write alerts, triggers and catalogue as a Prometheus rule file")
        written.add_argument("--tests", metavar="RULE_FILE", help="write unit tests for this file instead")
        tried = verbs.add_parser("test", help="when a rule would have fired")
        tried.add_argument("name", metavar="NAME")
        tried.add_argument("--since", default="7d", help="how far back, like 24h or 7d")
        for sub in (listed, read, written, tried):
            sub.add_argument("--environment", required=sub is not listed, metavar="E")
            sub.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        {"list": self._list, "import": self._import, "export": self._export, "test": self._test}[options["verb"]](
            options
        )

    def _list(self, options: dict[str, Any]) -> None:
        rows: list[Any] = list(selectors.rules(options["environment"]))
        if options["json"]:
            fields = ("group", "name", "expr", "severity", "enabled", "health", "error", "pending", "firing")
            found = [
                {**{field: getattr(row, field) for field in fields}, "environment": row.environment.key} for row in rows
            ]
            self.stdout.write(orjson.dumps(found).decode())
            return
        for row in rows:
            state = "off" if not row.enabled else f"{row.firing} firing" if row.firing else row.health
            self.stdout.write(f"{row.environment.key:<15} {row.name:<32} {state:<10} {row.condition or row.expr}")

    def _import(self, options: dict[str, Any]) -> None:
        file = Path(options["file"])
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{file} cannot be read: {error}") from error
        units = {row.key: row.unit for row in monitoring.catalogue()}
        try:
            found = rulefile.read(text, units, options["source"])
        except rulefile.Unreadable as error:
            raise CommandError("\n".join(f"{file}:{flaw.line}: {flaw.text}" for flaw in error.flaws)) from error
        if not options["check"]:
            told: dict[str, Any] = {
                "actor": actor(),
                "reason": options["reason"] or f"Imported from {file.name}.",
                "now": timezone.now(),
            }
            rules.take_in(options["environment"], found, **told)
        done = "are fine" if options["check"] else f"are in {options['environment']}"
        self.stdout.write(f"{len(found)} rules {done}.")

    def _export(self, options: dict[str, Any]) -> None:
        if options["tests"]:
            self.stdout.write(exporting.unit_tests(options["environment"], options["tests"]), ending="")
        else:
            self.stdout.write(exporting.rule_file(options["environment"]), ending="")

    def _test(self, options: dict[str, Any]) -> None:
        rule = selectors.rules(options["environment"]).filter(name=options["name"]).first()
        if rule is None:
            raise NotFound(f"There is no alert rule {options['name']!r} in {options['environment']}.")
        now = timezone.now()
        found = past.would_have(
            options["environment"],
            rules.definition_of(rule),
            since=now - timedelta(seconds=durations.seconds(options["since"], field="since")),
            now=now,
        )
        if options["json"]:
            self.stdout.write(orjson.dumps(found).decode())
            return
        times = "once" if len(found.firings) == 1 else f"{len(found.firings)} times"
        self.stdout.write(f"{rule.name} would have fired {times} in the last {options['since']}.")
        for firing in found.firings:
            end = clock(firing.until, now=now) if firing.until else "now"
            self.stdout.write(
                f"  {clock(firing.since, now=now)} to {end}, at most {firing.value:g} {dict(firing.labels) or ''}"
            )
        if not found.looks:
            self.stdout.write("  There is no data of that time.")
