"""`manage.py flag …`: see and change flags when the web is down. docs/integrate.md, "From the shell"."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.utils import timezone

from core import environments, events
from core.errors import Invalid
from core.moments import clock
from flags import selectors
from flags.adapters import bus
from flags.domain.change import StateChange
from flags.management.door import DoorCommand, actor
from flags.models import FlagState
from flags.services import allow_list, emergency, rollout

_VERBS = {
    "list": "all flags of an environment",
    "show": "one flag: its state, parameters and who is on its allow-list",
    "set": "set the percentage, or single parameters",
    "allow": "add npubs to the allow-list, or remove them",
    "enable": "switch on; allow-list and percentage decide for whom",
    "disable": "switch off for everybody and keep the percentage",
    "kill": "emergency: off at once, at 0 percent, with an alert",
    "rollback": "emergency: off because it does harm, with a rollback id",
    "history": "who changed what, when and why; newest first",
}
_READS = {"list", "show", "history"}
_EMERGENCY = {"kill", "rollback"}  # these need nobody's approval


class Command(DoorCommand):
    help = "See and change feature flags."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        for verb, meaning in _VERBS.items():
            sub = verbs.add_parser(verb, help=meaning, description=meaning)
            if verb != "list":
                sub.add_argument("key", metavar="KEY")
            sub.add_argument("--environment", required=True, metavar="E")
            sub.add_argument("--json", action="store_true", help="print JSON")
            if verb not in _READS:
                sub.add_argument("--reason", default="", help="kept in the history; required in protected environments")
            if verb not in (_READS | _EMERGENCY):
                self.add_request_option(sub)
            if verb == "set":
                sub.add_argument("--percentage", metavar="P", help="0 to 100")
                sub.add_argument("--parameters", metavar="JSON", help="for example '{\"autoCorrection\": true}'")
            if verb == "allow":
                sub.add_argument("--add", nargs="+", default=[], metavar="NPUB")
                sub.add_argument("--remove", nargs="+", default=[], metavar="NPUB")
            if verb == "history":
                sub.add_argument("--limit", type=int, default=20)

    def handle(self, *args: Any, **options: Any) -> None:
        verb, environment, as_json = options["verb"], options["environment"], options["json"]
        if verb == "list":
            key = environments.get(environment).key
            self._list([_shown(state) for state in selectors.states(key)], environment, as_json=as_json)
        elif verb == "show":
            self._show(selectors.state(options["key"], environment), as_json=as_json)
        elif verb == "history":
            self._history(selectors.state(options["key"], environment), options["limit"], as_json=as_json)
        else:
            done = _change(verb, options, now=timezone.now())
            self._done(selectors.state(options["key"], environment), done, as_json=as_json)

    def _list(self, rows: list[dict[str, Any]], environment: str, *, as_json: bool) -> None:
        if as_json:
            self.say_json(rows)
        elif not rows:
            self.stdout.write(f"There is no flag in environment {environment!r}.")
        for row in () if as_json else rows:
            self.stdout.write(_line(row))

    def _show(self, state: FlagState, *, as_json: bool) -> None:
        row = _shown(state) | {"allowed_users": list(selectors.allowed_users(state.pk).values_list("npub", flat=True))}
        if as_json:
            self.say_json(row)
            return
        for name, value in row.items():
            if value not in ("", None):
                self.stdout.write(f"{name:16} {json.dumps(value) if isinstance(value, list | dict) else value}")

    def _history(self, state: FlagState, limit: int, *, as_json: bool) -> None:
        rows = events.about(f"flag:{state.flag.key}", environment_id=state.environment_id)[: max(1, limit)]
        if as_json:
            fields = ("at", "kind", "actor", "actor_kind", "reason", "before", "after", "data")
            self.say_json([{field: getattr(event, field) for field in fields} for event in rows])
            return
        now = timezone.now()
        for event in rows:
            reason = f": {event.reason}" if event.reason else ""
            self.stdout.write(f"{clock(event.at, now=now)}  {event.kind}  by {event.actor}{reason}")
            for line in _differences(event.before, event.after):
                self.stdout.write(f"    {line}")

    def _done(self, state: FlagState, done: Mapping[str, Any], *, as_json: bool) -> None:
        announced = bus.reachable()
        if as_json:
            self.say_json(_shown(state) | dict(done) | {"announced": announced})
            return
        self.stdout.write(_line(_shown(state)))
        for name, value in done.items():
            self.stdout.write(f"{name.replace('_', ' ')}: {value}")
        if not announced:
            self.stdout.write(
                "Redis could not be reached: running processes take the change at their next poll, "
                f"within {settings.SNAPSHOT_POLL_SECONDS} seconds."
            )


def _change(verb: str, options: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
    """Do it, and return what there is to tell beside the flag's new state."""
    key, environment = options["key"], options["environment"]
    told: dict[str, Any] = {"actor": actor(), "reason": options["reason"], "now": now}
    if verb == "kill":
        emergency.emergency_disable(key, environment, **told)
        return {}
    if verb == "rollback":
        return {"rollback_id": emergency.roll_back(key, environment, **told)}
    if verb == "allow":
        if not options["add"] and not options["remove"]:
            raise Invalid("Name npubs with --add or --remove.")
        done = allow_list.edit_allow_list(key, environment, add=options["add"], remove=options["remove"], **told)
        return {name: getattr(done, name) for name in ("added", "removed", "already_in", "not_in")}
    rollout.change(key, environment, _wanted(verb, options), **told)
    return {}


def _wanted(verb: str, options: Mapping[str, Any]) -> StateChange:
    if verb != "set":
        return StateChange(enabled=verb == "enable")
    if options["percentage"] is None and options["parameters"] is None:
        raise Invalid("Say what to set: --percentage or --parameters.")
    patch = None
    if options["parameters"] is not None:
        try:
            patch = json.loads(options["parameters"])
        except ValueError as error:
            raise Invalid(f"--parameters is not JSON: {error}.") from error
        if not isinstance(patch, dict):
            raise Invalid('--parameters is a JSON object, for example {"autoCorrection": true}.')
    return StateChange(percentage=options["percentage"], patch=patch)


def _shown(state: FlagState) -> dict[str, Any]:
    return {
        "key": state.flag.key,
        "environment": state.environment.key,
        "enabled": state.enabled,
        "percentage": float(state.percentage),
        "parameters": state.parameters,
        "bucketing": state.flag.bucketing,
        "version": state.version,
        "allow_count": state.allow_count,
        "changed_at": state.changed_at.isoformat(),
        "disabled_by": state.disabled_by,
        "disabled_reason": state.disabled_reason,
        "rollback_id": state.rollback_id,
    }


def _line(row: Mapping[str, Any]) -> str:
    state = "on " if row["enabled"] else "off"
    halt = f"  disabled by {row['disabled_by']}: {row['disabled_reason']}" if row["disabled_reason"] else ""
    return (
        f"{row['key']:40} {row['environment']}  {state} {row['percentage']:g} %, "
        f"{row['allow_count']} on the allow-list, version {row['version']}{halt}"
    )


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterable[str]:
    for name in after:
        if before.get(name) != after[name]:
            yield f"{name}: {json.dumps(before.get(name))} → {json.dumps(after[name])}"
