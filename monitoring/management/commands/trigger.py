"""`manage.py trigger …`: see the guard's triggers, judge again what they judged, re-arm one that has fired."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from core import environments
from core.moments import clock
from flags.management.door import DoorCommand, actor
from monitoring import selectors
from monitoring.domain.windows import Window
from monitoring.models import Judgement, Trigger
from monitoring.services import replaying, triggers
from monitoring.services.replaying import Replay
from monitoring.services.triggers import rule_of, standing

LAST = 10
_VERBS = {
    "list": "all triggers and where they stand",
    "show": "one trigger: its rule, its evidence and the last windows it judged",
    "replay": "judge the last windows again, from the measurements that are stored",
    "rearm": "let a trigger that has fired guard again",
    "observe": "let it judge and tell, and do nothing",
    "enforce": "let it act again when it fires",
}
_CHANGES: dict[str, tuple[Callable[..., Trigger], str]] = {
    "rearm": (triggers.rearm, "is armed again; it judges what happens from now on."),
    "observe": (triggers.observe, "only observes from now on: it tells, and does nothing."),
    "enforce": (triggers.enforce, "acts from now on when it fires."),
}


class Command(DoorCommand):
    help = "See the triggers of the guard, and re-arm one that has fired."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        for verb, meaning in _VERBS.items():
            sub = verbs.add_parser(verb, help=meaning, description=meaning)
            if verb != "list":
                sub.add_argument("key", metavar="KEY")
            sub.add_argument("--environment", required=verb != "list", metavar="E")
            sub.add_argument("--json", action="store_true", help="print JSON")
            if verb == "replay":
                sub.add_argument("--last", type=int, default=LAST, help="how many windows")
            if verb in _CHANGES:
                sub.add_argument("--reason", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        environment, as_json = options["environment"], options["json"]
        if options["verb"] == "list":
            self._list(environment, as_json=as_json)
        elif options["verb"] == "show":
            self._show(selectors.trigger(options["key"], environment), as_json=as_json)
        elif options["verb"] == "replay":
            self._replay(options["key"], environment, last=max(1, options["last"]), as_json=as_json)
        else:
            change, told = _CHANGES[options["verb"]]
            row = change(options["key"], environment, actor=actor(), reason=options["reason"], now=timezone.now())
            if as_json:
                self.say_json(_facts(row))
            else:
                self.stdout.write(f"{row.name} in {environment} {told}")

    def _list(self, environment: str | None, *, as_json: bool) -> None:
        if environment is not None:
            environments.get(environment)
        rows = list(selectors.triggers(environment))
        if as_json:
            self.say_json([_facts(row) for row in rows])
        for row in () if as_json else rows:
            self.stdout.write(
                f"{row.environment.key:16} {row.key:20} {_state(row):9} {row.verdict:13} {_value(row):>12} "
                f"> {selectors.limit(row):g}  {_acts(row)}"
            )
        if not rows and not as_json:
            self.stdout.write("There is no trigger yet: `manage.py playbook load` defines them.")

    def _show(self, row: Trigger, *, as_json: bool) -> None:
        last = list(selectors.judgements(row.pk)[:LAST])
        if as_json:
            self.say_json({**_facts(row), "judgements": [_window(window) for window in last]})
            return
        for name, value in _facts(row).items():
            self.stdout.write(f"{name:14} {value}")
        now = timezone.now()
        for window in last:
            ended, seconds = clock(_at(window.window_end), now=now), window.window_end - window.window_start
            self.stdout.write(f"  {ended}  {seconds:4} s  {window.verdict:13} {_told(window)}")

    def _replay(self, key: str, environment: str, *, last: int, as_json: bool) -> None:
        found = replaying.replay(key, environment, last=last)
        if as_json:
            self.say_json([_again(one) for one in found])
            return
        now = timezone.now()
        for one in found:
            row, today = one.judgement, one.today
            said = "the same" if one.same else f"now {today.verdict} {_told(today)}"
            self.stdout.write(f"  {clock(_at(row.window_end), now=now)}  {row.verdict:13} {_told(row):32}  {said}")
        if not found:
            self.stdout.write("Nothing was judged yet.")


def _facts(row: Trigger) -> dict[str, Any]:
    until = _at(row.judged_until).isoformat() if row.judged_at else None
    return {
        "key": row.key,
        "environment": row.environment.key,
        **rule_of(row),
        **standing(row),
        "detail": row.detail,
        "judged_until": until,
        "passing_since": row.passing_since.isoformat() if row.passing_since else None,
    }


def _window(row: Judgement) -> dict[str, Any]:
    return {
        "from": _at(row.window_start).isoformat(),
        "to": _at(row.window_end).isoformat(),
        "verdict": row.verdict,
        "value": row.value,
        "samples": row.samples,
        "threshold": row.threshold,
        "detail": row.detail,
        "query": row.query,
        "code_version": row.code_version,
    }


def _again(one: Replay) -> dict[str, Any]:
    today = one.today
    seen = {"verdict": today.verdict, "value": today.value, "samples": today.samples, "detail": dict(today.detail)}
    return {"judged": _window(one.judgement), "today": seen, "same": one.same, "differences": one.differences}


def _acts(row: Trigger) -> str:
    does = "observes" if row.observe else ", ".join(row.actions)
    return f"{does}: {row.flag_key or 'the flag raised last'}"


def _told(window: Judgement | Window) -> str:
    return "" if window.value is None else f"{window.value:.6g} of {window.samples} samples"


def _state(row: Trigger) -> str:
    return row.state if row.enabled else "disabled"


def _value(row: Trigger) -> str:
    return "-" if row.value is None else f"{row.value:.6g}"


def _at(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
