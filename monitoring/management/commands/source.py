"""`manage.py source …`: see the data sources, and ask one now."""

from __future__ import annotations

from typing import Any

import orjson
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from flags.management.door import DoorCommand
from monitoring import selectors
from monitoring.services import pulling

SHOWN = 20


class Command(DoorCommand):
    help = "Data sources: how they stand, and what one says now."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        listed = verbs.add_parser("list", help="all sources and how they stand")
        tried = verbs.add_parser("test", help="ask a source now; nothing is stored")
        tried.add_argument("key", metavar="KEY")
        for sub in (listed, tried):
            sub.add_argument("--environment", required=sub is tried, metavar="E")
            sub.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, f"_{options['verb']}")(options)

    def _list(self, options: dict[str, Any]) -> None:
        fields = ("key", "name", "kind", "url", "enabled", "ok_at", "failing_since", "error", "problems", "samples")
        rows = list(selectors.sources(options["environment"]))
        if options["json"]:
            found = [{field: getattr(row, field) for field in fields} for row in rows]
            self.stdout.write(orjson.dumps(found).decode())
            return
        for row in rows:
            state = (
                "off" if not row.enabled else row.error or (f"{row.samples} samples" if row.ok_at else "not asked yet")
            )
            self.stdout.write(f"{row.environment.key:<15} {row.key:<24} {row.kind:<11} {state}")

    def _test(self, options: dict[str, Any]) -> None:
        row = selectors.source(options["key"], options["environment"])
        answer = pulling.ask(row, at=timezone.now().timestamp())
        if answer.error:
            raise CommandError(answer.error)
        told = [(one.name, dict(one.labels), one.value) for one in answer.gauges]
        told += [(one.name, dict(one.labels), one.value) for one in answer.totals]
        if options["json"]:
            self.stdout.write(orjson.dumps({"samples": told, "problems": answer.problems}).decode())
            return
        for name, labels, value in told[:SHOWN]:
            self.stdout.write(f"{name}{labels or ''} {value:g}")
        if len(told) > SHOWN:
            self.stdout.write(f"… and {len(told) - SHOWN} more")
        for name, problem in answer.problems.items():
            self.stdout.write(f"{name}: {problem}")
