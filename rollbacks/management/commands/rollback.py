"""`manage.py rollback …`: everything a rollback needs when the web is down. docs/rollback.md is the runbook."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from core import environments
from core.errors import Conflict
from core.moments import clock
from flags.management.door import DoorCommand, actor, signed_in
from rollbacks import selectors
from rollbacks.domain.revision import RevisionStanding
from rollbacks.domain.states import LIVE, UNDER_WAY, RollbackState
from rollbacks.models import Rollback
from rollbacks.selectors.shown import shown
from rollbacks.services import deciding, mending, requesting, running
from rollouts.services import validation

_MEND: dict[str, Callable[..., Rollback]] = {"retry": mending.retry, "skip": mending.skip, "abort": mending.abort}
_VERBS = {
    "list": "the rollbacks that wait, are under way or have stopped; --all for the others too",
    "show": "one rollback: its plan, and how far each step is",
    "revisions": "what the application can go back to, for --revision",
    "request": "ask for a rollback; nothing changes until somebody else confirms it",
    "confirm": "say yes to its plan, with the password of a person who may; its flags go off at once",
    "refuse": "close a request for good",
    "run": "do the steps in this process, where no worker runs",
    "retry": "take the failed step again",
    "skip": "go on without the failed step",
    "record": "the application was reverted by hand",
    "abort": "end it where it stands",
}
REVISIONS = {
    RevisionStanding.LIVE: "runs now",
    RevisionStanding.PROPOSED: "proposed",
    RevisionStanding.LEFT: "an earlier rollback went away from it",
    RevisionStanding.OLDER: "",
}
_PAUSE = 2.0  # seconds between two looks of `run`


class Command(DoorCommand):
    help = "Rollbacks: plan, ask, confirm, run."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        for verb, meaning in _VERBS.items():
            sub = verbs.add_parser(verb, help=meaning, description=meaning)
            sub.add_argument("--json", action="store_true", help="print JSON")
            if verb not in ("list", "revisions", "request"):
                sub.add_argument("id", metavar="ID", help="rb-…")
            if verb in ("refuse", "skip", "abort", "record", "request"):
                sub.add_argument(
                    "--reason", required=True, help="kept in the history; of record: what was done and seen"
                )
            self._more(verb, sub)

    def _more(self, verb: str, sub: CommandParser) -> None:
        if verb == "list":
            sub.add_argument("--environment", metavar="E")
            sub.add_argument("--all", action="store_true", help="also those that are over")
        elif verb == "revisions":
            sub.add_argument("--environment", required=True, metavar="E")
        elif verb == "request":
            sub.add_argument("component", metavar="COMPONENT", help="feature, application, database or all")
            sub.add_argument("--environment", required=True, metavar="E")
            sub.add_argument("--flag", default="", metavar="KEY", help="of a feature")
            sub.add_argument("--revision", type=int, metavar="N", help="of the application; the proposed if left out")
            sub.add_argument("--evidence", default="", help="what was seen")
        elif verb == "confirm":
            sub.add_argument("--as", dest="person", required=True, metavar="NAME", help="who; asks the password")
            sub.add_argument("--digest", required=True, help="of the plan you looked at: `show` tells it")
            sub.add_argument("--emergency", action="store_true", help="alone, while something has fired there")
        elif verb == "run":
            sub.add_argument("--for", dest="limit", type=int, default=900, metavar="SECONDS", help="at most; 900")

    def handle(self, *args: Any, **options: Any) -> None:
        now, verb = timezone.now(), options["verb"]
        if verb == "list":
            self._list(options)
            return
        if verb == "revisions":
            self._revisions(options, now)
            return
        public_id = self._act(verb, options, now=now)
        self._show(selectors.get(public_id), now, as_json=options["json"])
        self._check(verb, public_id)

    def _act(self, verb: str, options: dict[str, Any], *, now: datetime) -> str:
        """Do what the verb says; the id of the rollback."""
        if verb == "request":
            given = {name: options[name] for name in ("flag", "revision", "reason", "evidence")}
            row = requesting.request(options["environment"], options["component"], **given, actor=actor(), now=now)
            return row.public_id
        public_id: str = options["id"]
        if verb == "confirm":
            told = {"digest": options["digest"], "emergency": options["emergency"], "now": now}
            deciding.confirm(public_id, actor=signed_in(options["person"], "rollbacks.confirm_rollback"), **told)
        elif verb == "run":
            self._run(public_id, limit=options["limit"])
        elif verb == "refuse":
            deciding.refuse(public_id, reason=options["reason"], actor=actor(), now=now)
        elif verb == "record":
            mending.record(public_id, result=options["reason"], actor=actor(), now=now)
        elif verb in _MEND:
            reason = {"reason": options["reason"]} if "reason" in options else {}
            _MEND[verb](public_id, actor=actor(), now=now, **reason)
        return public_id

    def _run(self, public_id: str, *, limit: int) -> None:
        """Go on until it is over or has stopped. Workers that run meanwhile do no harm: each step is taken once."""
        until = time.monotonic() + limit
        while selectors.get(public_id).state == RollbackState.RUNNING:
            running.advance(clock=timezone.now)
            validation.run_due(now=timezone.now(), every=timedelta(0))
            if selectors.get(public_id).state != RollbackState.RUNNING or time.monotonic() >= until:
                return
            time.sleep(_PAUSE)

    def _check(self, verb: str, public_id: str) -> None:
        """`run` tells by its exit code whether it is done."""
        state = RollbackState(selectors.get(public_id).state)
        if verb == "run" and state in UNDER_WAY:
            raise Conflict(f"Rollback {public_id} is {state}: see its steps, then retry, skip, record or abort.")

    def _list(self, options: dict[str, Any]) -> None:
        if options["environment"] is not None:
            environments.get(options["environment"])
        found = selectors.listed(environment=options["environment"])
        rows = found[:200] if options["all"] else found.filter(state__in=LIVE)[:200]
        if options["json"]:
            self.say_json([shown(row) for row in rows])
            return
        for row in rows:
            self.stdout.write(_line(row))
        if not rows:
            self.stdout.write("No rollback here.")

    def _revisions(self, options: dict[str, Any], now: datetime) -> None:
        found = requesting.revisions(options["environment"])
        if options["json"]:
            self.say_json([each.as_dict() for each in found])
            return
        for each in found:
            first = f"first deployed {clock(each.created_at, now=now)}" if each.created_at else ""
            self.stdout.write(f"{each.number:>5}  {each.image:40} {REVISIONS[each.standing]:34} {first}".rstrip())

    def _show(self, row: Rollback, now: datetime, *, as_json: bool) -> None:
        if as_json:
            self.say_json(shown(row))
            return
        self.stdout.write(_line(row))
        for number, step in enumerate(shown(row)["steps"], 1):
            self.stdout.write(f"  {number}. {step['kind']}: {step['state']}")
            for line in (*step["lines"], step.get("output"), step.get("error")):
                if line:
                    self.stdout.write(f"       {line}")
        told = {
            "reason": row.reason,
            "risk": f"{row.risk}: {' '.join(row.risk_reasons)}",
            "notes": " ".join(row.plan["notes"]),
            "planned anew": row.replanned,
            "expires": clock(row.expires_at, now=now) if row.state == RollbackState.REQUESTED else "",
            "digest": row.digest if row.state == RollbackState.REQUESTED else "",
            "over": row.closed_reason,
        }
        for name, value in told.items():
            if value:
                self.stdout.write(f"  {name}: {value}")


def _line(row: Rollback) -> str:
    flag = f" {row.flag.key}" if row.flag else ""
    confirmed = f", confirmed by {row.confirmed_by}{' alone (emergency)' if row.emergency else ''}"
    by = f"by {row.requested_by}{confirmed if row.confirmed_by else ''}"
    return f"{row.public_id} {row.environment.key}: {row.component}{flag}, {row.state}, {by}"
