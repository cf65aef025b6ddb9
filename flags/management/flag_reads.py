"""What `manage.py flag` tells: flags, their history, and why an npub gets what it gets. As values and as lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from core import environments, events
from core.changes import differences
from core.errors import Invalid
from core.exporting import as_dict
from core.moments import clock, relative
from flags import selectors
from flags.domain.attributes import read_context
from flags.domain.standing import standing
from flags.management import table
from flags.models import FlagState
from flags.selectors import listing, why
from flags.selectors.why import Line

Lines = Iterator[str]


def shown(state: FlagState) -> dict[str, Any]:
    """A flag's state for a machine."""
    asked = getattr(state, "asked", None)
    return {
        "key": state.flag.key,
        "environment": state.environment.key,
        "state": standing(state).word,
        "enabled": state.enabled,
        "percentage": float(state.percentage),
        "parameters": state.parameters,
        "targeting": state.targeting,
        "bucketing": state.flag.bucketing,
        "version": state.version,
        "allow_count": state.allow_count,
        "deny_count": state.deny_count,
        "changed_at": state.changed_at.isoformat(),
        "asked_at": asked.at.isoformat() if asked else None,
        "disabled_by": state.disabled_by,
        "disabled_reason": state.disabled_reason,
        "rollback_id": state.rollback_id,
    }


def every_flag(environment: str, *, now: datetime) -> tuple[list[dict[str, Any]], Lines]:
    """All flags of an environment, or of every one when it is empty. Raises NotFound for an unknown one."""
    found = listing.listed().order_by("flag__key", "environment__position")
    if environment:
        found = found.filter(environment__key=environments.get(environment).key)
    rows = [shown(state) for state in found]
    if not rows:
        return rows, iter([f"There is no flag in environment {environment!r}." if environment else "There is no flag."])
    return rows, table.lines(_HEAD, [_row(row, now=now) for row in rows])


def one_flag(key: str, environment: str) -> tuple[dict[str, Any], Lines]:
    """One flag with who is on its allow-list."""
    state = selectors.state(key, environment)
    row = shown(state) | {"allowed_users": list(selectors.allowed_users(state.pk).values_list("npub", flat=True))}
    told = ((name, value) for name, value in row.items() if value not in ("", None))
    return row, (f"{name:16} {json.dumps(v) if isinstance(v, list | dict) else v}" for name, v in told)


def history(
    key: str, environment: str, *, limit: int, since: datetime | None, now: datetime
) -> tuple[list[dict[str, Any]], Lines]:
    """The newest changes, newest first."""
    state = selectors.state(key, environment)
    found = events.about(f"flag:{key}", environment_id=state.environment_id)
    rows = list((found.filter(at__gte=since) if since else found)[: max(1, limit)])
    return [as_dict(event) for event in rows], _told(rows, now=now)


def answers(
    npub: str, *, environment: str, flag: str, attributes: Sequence[str], over_time: bool, now: datetime
) -> tuple[Any, Lines]:
    """What the npub is answered; with `over_time` also what one flag answered it after each change.

    Raises Invalid for attributes that are no name=value, and for `over_time` without one flag and one environment.
    """
    context = read_context("\n".join(attributes))
    if environment:
        environments.get(environment)
    if over_time:
        return _over_time(npub, environment, flag, context, now=now)
    found = why.answers(npub, context, environment=environment, flag=flag)
    return [answered(line) for line in found], table.lines(_WHY, [_why(line) for line in found])


def answered(line: Line) -> dict[str, Any]:
    """One answer for a machine."""
    decision = line.decision
    return {
        "flag": line.state.flag.key,
        "environment": line.state.environment.key,
        "value": decision.value if decision.has_value else None,
        "variant": decision.variant,
        "reason": decision.reason.value,
        "rule": decision.rule.value,
        "rule_name": decision.name,
        "why": decision.why,
        "bucket": decision.bucket,
        "buckets": decision.buckets,
        "version": line.state.version,
    }


def line_of(row: Mapping[str, Any]) -> str:
    """One flag after a change."""
    state = "on" if row["enabled"] else "off"
    halt = f"  disabled by {row['disabled_by']}: {row['disabled_reason']}" if row["disabled_reason"] else ""
    return (
        f"{row['key']} in {row['environment']}: {state}, {row['percentage']:g} %, "
        f"{row['allow_count']} on the allow-list, version {row['version']}{halt}"
    )


_HEAD = ("KEY", "STATE", "PERCENT", "ALLOWED", "VERSION", "LAST ASKED", "STOPPED BECAUSE")
_WHY = ("FLAG", "ENVIRONMENT", "ANSWER", "BUCKET", "VERSION", "WHY")


def _row(row: Mapping[str, Any], *, now: datetime) -> tuple[object, ...]:
    asked = relative(datetime.fromisoformat(row["asked_at"]), now=now) if row["asked_at"] else "never"
    names = ("key", "state", "percentage", "allow_count", "version")
    return (*(row[name] for name in names), asked, row["disabled_reason"])


def _why(line: Line) -> tuple[object, ...]:
    decision, state = line.decision, line.state
    value = f"{decision.variant} ({json.dumps(decision.value)})" if decision.has_value else "no value"
    return state.flag.key, state.environment.key, value, decision.bucket, state.version, decision.why


def _over_time(npub: str, environment: str, flag: str, context: dict[str, Any], *, now: datetime) -> tuple[Any, Lines]:
    if not (flag and environment):
        raise Invalid("The past is told of one flag in one environment: name both with --flag and --environment.")
    entries = why.over_time(selectors.state(flag, environment), npub, context)
    rows = [
        {
            "since": entry.since.isoformat() if entry.since else None,
            "event": entry.event.id if entry.event else None,
            "kind": entry.event.kind if entry.event else "",
            "variant": entry.answer.decision.variant if entry.answer else None,
            "on": bool(entry.answer and entry.answer.on),
            "why": entry.answer.decision.why if entry.answer else "The flag was archived.",
            "changed": entry.changed,
            "doubt": entry.doubt,
        }
        for entry in entries
    ]
    told = [
        (
            clock(entry.since, now=now) if entry.since else "before that",
            row["variant"],
            row["kind"],
            f"{row['why']}{' Not sure: ' + entry.doubt if entry.doubt else ''}",
        )
        for entry, row in zip(entries, rows, strict=True)
    ]
    return rows, table.lines(("SINCE", "ANSWER", "BY", "WHY"), told)


def _told(rows: Sequence[Any], *, now: datetime) -> Lines:
    for event in rows:
        reason = f": {event.reason}" if event.reason else ""
        yield f"{clock(event.at, now=now)}  {event.kind}  by {event.actor}{reason}"
        for each in differences(event.before, event.after):
            yield f"    {each.field}: {each.before or '(nothing)'} → {each.after or '(nothing)'}"
