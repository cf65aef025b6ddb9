"""`manage.py validate`: is what runs in an environment as it must be? For people and for pipelines."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import Error
from django.utils import timezone

from core.errors import DomainError
from flags.management.door import DoorCommand, actor
from rollouts.domain.validation import failures
from rollouts.models import ValidationRun
from rollouts.services import validation

FAILED = 1
NOT_MADE = 2


class Command(DoorCommand):
    help = (
        "Validate an environment by six checks. Ends with 0 when none fails, with 1 when one fails, "
        "and with 2 when the validation could not be made."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("environment", help="its key, for example production")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            row = validation.run(options["environment"], actor=actor(), now=timezone.now())
        except (DomainError, Error) as error:
            raise CommandError(str(error), returncode=NOT_MADE) from error
        if options["json"]:
            self.say_json({"id": row.pk, "success": row.success, "results": row.results})
        else:
            self._tell(row)
        if row.success is None:
            raise CommandError("It took too long and was taken for lost: see the log.", returncode=NOT_MADE)
        if not row.success:
            raise CommandError(f"Failed: {', '.join(failures(row.results))}.", returncode=FAILED)

    def _tell(self, row: ValidationRun) -> None:
        for check, result in row.results.items():
            word = {True: "ok    ", False: "FAILED", None: "-     "}[result["success"]]
            self.stdout.write(f"{word}  {check} ({result['seconds']:.1f} s): {result['summary']}")
            for each in result["evidence"]:
                mark = {True: "+", False: "-", None: " "}[each["ok"]]
                self.stdout.write(f"        {mark} {each['name']}: {each['value']}")
            for todo in result["todo"]:
                self.stdout.write(f"        To do: {todo}")
