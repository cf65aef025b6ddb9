"""`manage.py audit …`: the seals of the event log. docs/audit.md."""

from __future__ import annotations

import base64
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from audit import selectors
from audit.domain import heads
from audit.domain.findings import Finding, Result
from audit.domain.heads import Head
from audit.selectors import walking
from audit.services import sealing
from core.errors import Invalid
from core.moments import relative
from flags.management.door import DoorCommand

BROKEN = 5  # the exit code when something is wrong with the log
PROGRESS_EVERY = 100_000  # seals

_VERBS = {
    "verify": "walk all chains, and name what is wrong; exit code 5 when anything is",
    "head": "the heads of the chains, to be kept elsewhere",
    "status": "how far the sealing is, and the public key",
    "seal": "seal all that waits, now",
    "key": "make a key for AUDIT_KEY; nothing is stored",
}


class Command(DoorCommand):
    help = "The seals of the event log: verify them, and keep their heads elsewhere."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        for verb, meaning in _VERBS.items():
            sub = verbs.add_parser(verb, help=meaning, description=meaning)
            if verb in ("verify", "head", "status"):
                sub.add_argument("--json", action="store_true", help="print JSON")
            if verb == "verify":
                sub.add_argument("--environment", metavar="E", help='one chain; "" is that of events of no environment')
                sub.add_argument("--since", metavar="TIME", help="begin with the seals of this time, ISO 8601")
                sub.add_argument("--head", metavar="FILE", help="heads that were kept elsewhere, to compare with")
                sub.add_argument("--quiet", action="store_true", help="no progress on stderr")

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, f"_{options['verb']}")(options)

    def _verify(self, options: dict[str, Any]) -> None:
        shown = 0

        def progress(result: Result) -> None:
            nonlocal shown
            if not options["quiet"] and result.seals - shown >= PROGRESS_EVERY:
                shown = result.seals
                self.stderr.write(f"{result.seals:,} seals read, {result.wrong:,} findings")

        result = walking.verify(
            environment=options["environment"],
            since=_time(options["since"]),
            kept=_kept(options["head"]),
            progress=progress,
        )
        if options["json"]:
            self.say_json(_as_dict(result))
        else:
            self._tell(result)
        if not result.sound:
            raise CommandError(f"The event log is not as it was sealed: {result.wrong:,} findings.", returncode=BROKEN)

    def _tell(self, result: Result) -> None:
        for finding in result.findings:
            self.stdout.write(_line(finding))
        if result.wrong > len(result.findings):
            self.stdout.write(f"... and {result.wrong - len(result.findings):,} more")
        for head in result.heads:
            name = head["chain"] or "no environment"
            self.stdout.write(f"{name:20} up to {head['number']:,}  {head['digest'] if head['number'] else 'empty'}")
        read = f"{result.seals:,} seals and {result.events:,} events read"
        self.stdout.write(f"{read}; {result.forgotten:,} forgotten by the retention, {result.waiting:,} to be sealed.")

    def _head(self, options: dict[str, Any]) -> None:
        found = selectors.heads()
        if options["json"]:
            self.say_json({"heads": [head.to_dict() for head in found]})
            return
        for head in found:
            self.stdout.write(f"{head.chain or 'no environment':20} {head.number} {head.digest} {_signed(head)}")

    def _status(self, options: dict[str, Any]) -> None:
        now = timezone.now()
        state = selectors.sealing(now=now)
        if options["json"]:
            self.say_json(state.to_dict())
            return
        looked = relative(state.ran_at, now=now) if state.ran_at else "never: is a worker running?"
        self.stdout.write(f"Sealed: up to event {state.cursor:,}; {state.waiting:,} wait, for {state.lag:.0f} s")
        self.stdout.write(f"The sealer last looked {looked}")
        self.stdout.write(f"Public key: {state.key or 'none: heads are not signed, set AUDIT_KEY'}")

    def _seal(self, options: dict[str, Any]) -> None:
        total = 0
        while sealed := sealing.seal(now=timezone.now()):
            total += sealed
            self.stdout.write(f"{total:,} sealed")
            self.stdout.flush()

    def _key(self, options: dict[str, Any]) -> None:
        key = Ed25519PrivateKey.generate()
        self.stdout.write(f"AUDIT_KEY={base64.b64encode(key.private_bytes_raw()).decode()}")
        self.stdout.write(f"AUDIT_PUBLIC_KEYS={heads.public_text(key)}")


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(f"{text!r} is no time: write one like 2025-08-11 or 2025-08-11T09:00+02:00.") from None
    return found if found.tzinfo else timezone.make_aware(found)


def _kept(path: str | None) -> list[Head]:
    if path is None:
        return []
    try:
        return heads.read(Path(path).read_bytes())
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}.") from error


def _as_dict(result: Result) -> dict[str, Any]:
    figures = {name: getattr(result, name) for name in ("sound", "seals", "events", "forgotten", "waiting", "wrong")}
    findings = [finding.to_dict() for finding in result.findings]
    return {**figures, "counts": dict(result.counts), "findings": findings, "heads": result.heads}


def _line(finding: Finding) -> str:
    where = finding.chain or "no environment"
    number = f" seal {finding.number}" if finding.number else ""
    event = f" event {finding.event}" if finding.event else ""
    since = f" (as it should be until {finding.since[:19]} UTC)" if finding.since else ""
    return f"{finding.wrong.value.upper():10} {where}{number}{event}: {finding.text}{since}"


def _signed(head: Head) -> str:
    return f"{head.signature} by {head.key}" if head.signature else "not signed"
