"""`manage.py playbook …`: check a strategy, load it, compare it with what there is. docs/playbook.md tells how."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from core.errors import DomainError
from flags.management.door import DoorCommand, actor
from nctool_rollout.playbook import loading, oncall, report
from nctool_rollout.playbook.expectations import schema
from nctool_rollout.playbook.export import as_yaml, export
from nctool_rollout.playbook.model import Playbook
from nctool_rollout.playbook.plan import Decision, Outcome
from nctool_rollout.playbook.source import MAX_BYTES, Source
from nctool_rollout.playbook.validation import load_text

_VERBS = {
    "validate": "tell everything that is wrong with a playbook, with its line; no database is needed",
    "diff": "tell what a load would change, and what people changed since; exit code 1 when anything differs",
    "load": "bring this installation to the playbook; what people changed since stays as it is",
    "export": "write what there is as a playbook that loads to the same",
    "schema": "print the JSON Schema of the format, for editors",
}
_DIFFERENT, _UNREADABLE = 1, 2


class Command(DoorCommand):
    help = "Check, load, compare and export playbooks."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        for verb, meaning in _VERBS.items():
            sub = verbs.add_parser(verb, help=meaning, description=meaning)
            if verb in ("validate", "diff", "load"):
                sub.add_argument("file", metavar="FILE")
            if verb in ("diff", "load"):
                sub.add_argument("--json", action="store_true", help="print JSON")
            if verb == "load":
                sub.add_argument("--if-empty", action="store_true", help="only where nothing was ever set up")
                sub.add_argument(
                    "--request", action="store_true", help="load what needs no approval, and ask for the rest"
                )
            if verb == "export":
                sub.add_argument("file", metavar="FILE", nargs="?", default="-", help="- is the terminal")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['verb']}")(**options)
        except DomainError as error:
            raise CommandError(str(error), returncode=_UNREADABLE) from error

    def _validate(self, file: str, **options: Any) -> None:
        playbook, _ = _read(file)
        parts = f"{len(playbook.environments)} environments, {len(playbook.deployment_config.features)} flags"
        rest = f"{len(playbook.ramps)} ramps, {len(playbook.triggers)} triggers"
        self.stdout.write(f"{file}: right. {playbook.name} {playbook.deployment_config.version}: {parts}, {rest}.")

    def _diff(self, file: str, **options: Any) -> None:
        playbook, source = _read(file)
        decisions = loading.preview(playbook, source, file=file)
        self._tell(decisions, as_json=options["json"])
        if not options["json"]:
            self.stdout.write(report.summary(decisions, done=False))
            self._warn(playbook)
        if any(decision.outcome is not Outcome.SAME for decision in decisions):
            sys.exit(_DIFFERENT)

    def _load(self, file: str, **options: Any) -> None:
        playbook, source = _read(file)
        first = bool(options["if_empty"])
        decisions = loading.load(
            playbook,
            source,
            actor=actor(),
            now=timezone.now(),
            file=file,
            if_empty=first,
            request=bool(options["request"]),
        )
        if decisions is None:
            self.stdout.write(f"{file} was not loaded: there are environments and flags here already.")
            return
        if not first:  # there everything is new, and the file tells it better
            self._tell(decisions, as_json=options["json"])
        if not options["json"]:
            name = f"{playbook.name} {playbook.deployment_config.version}"
            self.stdout.write(f"Loaded {name}: {report.summary(decisions, done=True)}")
            self._warn(playbook)

    def _export(self, file: str, **options: Any) -> None:
        text = as_yaml(export())
        if file == "-":
            self.stdout.write(text, ending="")
            return
        try:
            Path(file).write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{file} cannot be written: {error.strerror}.", returncode=_UNREADABLE) from error
        self.stdout.write(f"Written to {file}.")

    def _schema(self, **options: Any) -> None:
        self.stdout.write(orjson.dumps(schema(), option=orjson.OPT_INDENT_2).decode())

    def _warn(self, playbook: Playbook) -> None:
        """What a load takes as it is, and somebody has to see to."""
        for line in oncall.strangers(playbook.on_call):
            self.stderr.write(f"Warning: {line}")

    def _tell(self, decisions: list[Decision], *, as_json: bool) -> None:
        if as_json:
            self.say_json(report.as_json(decisions))
            return
        for line in report.lines(decisions):
            self.stdout.write(line)


def _read(file: str) -> tuple[Playbook, Source]:
    """The playbook in this file; CommandError when the file cannot be read."""
    try:
        with Path(file).open("rb") as stream:
            text = stream.read(MAX_BYTES + 1).decode("utf-8-sig")
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.", returncode=_UNREADABLE) from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{file} is not UTF-8 text (byte {error.start}).", returncode=_UNREADABLE) from error
    return load_text(text, file=file)
