"""What `manage.py flag` changes: each verb is one service. As values and as lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from core.errors import Invalid
from flags import selectors
from flags.adapters import bus
from flags.domain.change import StateChange
from flags.domain.definition import DefinitionChange
from flags.domain.promotion import PARTS
from flags.management import table
from flags.management.door import actor
from flags.management.flag_reads import Lines, line_of, shown
from flags.services import definition, emergency, lists, promotion, rollout

Options = Mapping[str, Any]


def do(verb: str, options: Options, *, now: datetime) -> tuple[Any, Lines]:
    """Do it; the flag as it is afterwards, with what there is to tell beside it."""
    if verb == "promote":
        return _promote(options, now=now)
    if verb == "create":
        return _create(options, now=now)
    done = _change(verb, options, now=now)
    row = shown(selectors.state(options["key"], options["environment"]))
    told = row | done | {"announced": bus.reachable()} if options["json"] else row
    return told, _lines(row, done)


def _lines(row: Mapping[str, Any], done: Mapping[str, Any]) -> Iterator[str]:
    yield line_of(row)
    for name, value in done.items():
        yield f"{name.replace('_', ' ')}: {value}"


def _change(verb: str, options: Options, *, now: datetime) -> dict[str, Any]:
    key, environment = options["key"], options["environment"]
    told: dict[str, Any] = {"actor": actor(), "reason": options["reason"], "now": now}
    if verb == "kill":
        emergency.emergency_disable(key, environment, **told)
        return {}
    if verb == "rollback":
        return {"rollback_id": emergency.roll_back(key, environment, **told)}
    told["version"] = options["seen"]
    if verb == "allow":
        if not options["add"] and not options["remove"]:
            raise Invalid("Name npubs with --add or --remove.")
        done = lists.edit_allow_list(key, environment, add=options["add"], remove=options["remove"], **told)
        return {name: getattr(done, name) for name in ("added", "removed", "already_in", "not_in")}
    rollout.change(key, environment, _wanted(verb, options), **told)
    return {}


def _create(options: Options, *, now: datetime) -> tuple[Any, Lines]:
    variants = _json(options, "variants")
    wanted = DefinitionChange(
        **{name: options[name] for name in ("name", "description", "value_type", "bucketing", "group")},
        variants=[{"key": key, "value": value} for key, value in variants.items()],
        parameter_schema=_json(options, "parameter_schema"),
    )
    flag = definition.create(options["key"], wanted, actor=actor(), reason=options["reason"], now=now)
    return {"key": flag.key, **definition.as_dict(flag)}, iter([f"{flag.key} is there, off in every environment."])


def _json(options: Options, name: str) -> dict[str, Any]:
    """A JSON object of the command line; {} when it is not given."""
    text, option = options[name], f"--{name.replace('_', '-')}"
    if text is None:
        return {}
    try:
        value = json.loads(text)
    except ValueError as error:
        raise Invalid(f"{option} is not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise Invalid(f"{option} is a JSON object.")
    return value


def _wanted(verb: str, options: Options) -> StateChange:
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


def _promote(options: Options, *, now: datetime) -> tuple[Any, Lines]:
    source, target = options["source"], options["environment"]
    keys, parts, waiver = options["keys"], options["part"] or PARTS, options["waiver"]
    found = promotion.preview(keys, source, target, parts=parts, waiver=waiver)
    rows = [{"flag": each.flag, **each.to_payload()["configuration"]} for each in found]
    if not options["dry_run"]:
        told = {"actor": actor(), "reason": options["reason"], "now": now}
        promotion.promote(keys, source, target, parts=parts, waiver=waiver, **told)
    if not rows:
        return rows, iter([f"Nothing differs: these flags are in {target} what they are in {source}."])
    verb = "would change" if options["dry_run"] else "changed"
    return rows, table.lines(("FLAG", f"{verb} in {target}".upper()), [_promoted(row) for row in rows])


def _promoted(row: Mapping[str, Any]) -> tuple[str, str]:
    fields = (f"{name} {_short(value)}" for name, value in row.items() if name != "flag")
    return row["flag"], ", ".join(fields)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:60]}…"
