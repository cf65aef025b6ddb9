"""`manage.py request …`: ask for changes and apply approved ones when the web is down. docs/approvals.md tells how."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import CommandParser
from django.utils import timezone

from approvals import selectors
from approvals.domain.states import RequestState
from approvals.selectors.shown import shown
from approvals.services import applying, deciding, requests
from core import environments
from core.asking import Change
from core.errors import Invalid
from core.moments import clock
from flags.management.door import DoorCommand, actor

_VERBS = {
    "list": "the requests that wait to be approved or applied; --all for the decided ones too",
    "show": "one request: what it would change, who approved, what it waits for",
    "open": "ask for changes; they are tried out, and nothing is changed",
    "apply": "do all of an approved request",
    "refresh": "lay a request on what there is now; voids its approvals when something changed",
    "withdraw": "take your own request back",
    "comment": "say something about a request",
}
_EXAMPLE = '[{"kind": "flag.state", "flag": "atomicMeltOperations", "payload": {"enabled": true, "percentage": 50}}]'


class Command(DoorCommand):
    help = "Change requests: ask, look, apply, withdraw. Approving takes a person who is signed in to the admin."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        for verb, meaning in _VERBS.items():
            sub = verbs.add_parser(verb, help=meaning, description=meaning)
            sub.add_argument("--json", action="store_true", help="print JSON")
            if verb not in ("list", "open"):
                sub.add_argument("id", type=int, metavar="ID")
            if verb == "list":
                sub.add_argument("--environment", metavar="E")
                sub.add_argument("--all", action="store_true", help="also those that are decided")
            if verb == "open":
                self._open_arguments(sub)
            if verb == "withdraw":
                sub.add_argument("--reason", default="")
            if verb == "comment":
                sub.add_argument("text", metavar="TEXT")

    def _open_arguments(self, sub: CommandParser) -> None:
        sub.add_argument("--environment", required=True, metavar="E")
        sub.add_argument("--title", required=True)
        sub.add_argument("--reason", required=True, help="whoever approves has to know why")
        sub.add_argument(
            "--changes", required=True, metavar="FILE", help=f"JSON, - is standard input; for example {_EXAMPLE}"
        )
        sub.add_argument(
            "--at", metavar="TIME", help="when the clock applies it, for example 2025-09-01T09:00; by hand if left out"
        )
        sub.add_argument("--zone", default="", help="of --at, for example Europe/Berlin; UTC if left out")

    def handle(self, *args: Any, **options: Any) -> None:
        now, verb, as_json = timezone.now(), options["verb"], options["json"]
        if verb == "list":
            self._list(_listed(options), as_json=as_json)
            return
        request_id = _act(verb, options, now=now)
        self._show(shown(selectors.get(request_id), now=now), now, as_json=as_json)

    def _list(self, rows: Iterable[dict[str, Any]], *, as_json: bool) -> None:
        if as_json:
            self.say_json(list(rows))
            return
        empty = True
        for row in rows:
            self.stdout.write(_line(row))
            empty = False
        if empty:
            self.stdout.write("Nothing waits here.")

    def _show(self, row: dict[str, Any], now: datetime, *, as_json: bool) -> None:
        if as_json:
            self.say_json(row)
            return
        self.stdout.write(_line(row))
        for change in row["changes"]:
            self.stdout.write(f"  {change['kind']} {change['flag']} {orjson.dumps(change['payload']).decode()[:200]}")
        for why in row["rules"]:
            self.stdout.write(f"  {why}")
        told = {
            "reason": row["reason"],
            "expires": clock(row["expires_at"], now=now),
            "applied": row["applied_when"],
            "approved by": ", ".join(row["approved_by"]),
            "stale": row["stale"],
            "void": row["voided_reason"],
            "waits for": row["waiting_for"],
            "closed": row["closed_reason"],
        }
        for name, value in told.items():
            if value:
                self.stdout.write(f"  {name}: {value}")


def _listed(options: dict[str, Any]) -> list[dict[str, Any]]:
    if options["environment"] is not None:
        environments.get(options["environment"])
    found = selectors.listed(environment=options["environment"])
    if not options["all"]:
        found = found.filter(state__in=[RequestState.OPEN, RequestState.APPROVED])
    return [shown(row) for row in found[:200]]


def _act(verb: str, options: dict[str, Any], *, now: datetime) -> int:
    """Do what the verb says; the number of the request."""
    if verb == "open":
        return _open(options, now=now)
    request_id: int = options["id"]
    who: dict[str, Any] = {"actor": actor(), "now": now}
    if verb == "apply":
        applying.apply(request_id, **who)
    elif verb == "refresh":
        requests.refresh(request_id, **who)
    elif verb == "withdraw":
        deciding.withdraw(request_id, reason=options["reason"], **who)
    elif verb == "comment":
        requests.comment(request_id, options["text"], **who)
    return request_id


def _open(options: dict[str, Any], *, now: datetime) -> int:
    opened = requests.open_request(
        options["environment"],
        _read(options["changes"]),
        title=options["title"],
        reason=options["reason"],
        actor=actor(),
        now=now,
        apply_at=_time(options["at"]),
        zone=options["zone"],
    )
    return opened.pk


def _read(file: str) -> list[Change]:
    try:
        text = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        rows = orjson.loads(text)
        return [Change(row["kind"], row.get("flag", ""), row.get("payload", {})) for row in rows]
    except OSError as error:
        raise Invalid(f"{file} cannot be read: {error.strerror}.") from error
    except orjson.JSONDecodeError as error:
        raise Invalid(f"{file} is no JSON: {error}.") from error
    except (TypeError, KeyError, AttributeError) as error:
        raise Invalid(f"{file} must be a list of changes, for example {_EXAMPLE}") from error


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(f"{text!r} is no time: write it as 2025-09-01T09:00.", field="apply_at") from None


def _line(row: dict[str, Any]) -> str:
    words = f"{len(row['approved_by'])} of {row['needed']} approvals"
    return f"{row['id']:<5} {row['environment']}: {row['state']}, {words}, by {row['requested_by']}: {row['title']}"
