"""What a load did, or would do, as lines for a terminal and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from nctool_rollout.playbook.plan import MISSING, WRITES, Decision, Outcome

_EVERYWHERE = "everywhere"
_NOUNS = {
    "monitoringLevels": "monitoring level",
    "incidents": "incident level",
    "ramps": "ramp",
    "plans": "plan",
    "triggers": "trigger",
    "metrics": "metric",
    "kpis": "KPI",
    "risks": "risk",
    "sources": "data source",
    "alerts": "alert rule",
    "applications": "application of",
    "channels": "channel",
    "audiences": "audience",
    "approvals": "approval rule",
    "freezes": "freeze",
    "statusPage": "status page",
    "report": "weekly report",
    "statusComponents": "component of the status page",
    "schedules": "on-call schedule",
    "chains": "escalation chain",
    "lessons": "lesson",
    "nextPhases": "next phase",
    "roadmap": "quarter of the roadmap",
}
_SIGNS = {
    Outcome.CREATE: "+",
    Outcome.CHANGE: "~",
    Outcome.REMOVE: "-",
    Outcome.KEEP: "=",
    Outcome.EXTRA: "=",
    Outcome.GONE: "=",
    Outcome.ASK: "?",
}


def lines(decisions: Sequence[Decision]) -> Iterator[str]:
    """What differs, by environment. `+ ~ -` is what a load writes, `=` is what it leaves as it is, and why."""
    differing = [decision for decision in decisions if decision.outcome is not Outcome.SAME]
    for place in dict.fromkeys(_place(decision) for decision in differing):
        yield place
        for decision in differing:
            if _place(decision) == place:
                yield f"  {_SIGNS[decision.outcome]} {_subject(decision)}: {_change(decision)}"


def summary(decisions: Sequence[Decision], *, done: bool) -> str:
    """One line: how much is written (or would be), kept, and the same already."""
    writes = sum(decision.outcome in WRITES for decision in decisions)
    same = sum(decision.outcome is Outcome.SAME for decision in decisions)
    asked = sum(decision.outcome is Outcome.ASK for decision in decisions)
    left = len(decisions) - writes - same - asked
    waiting = f"{asked} asked for, " if asked else ""
    return f"{writes} {'written' if done else 'to write'}, {waiting}{left} left as they are, {same} the same already."


def as_json(decisions: Sequence[Decision]) -> list[dict[str, Any]]:
    return [
        {
            "item": list(decision.item),
            "outcome": decision.outcome.value,
            "current": None if decision.current is MISSING else decision.current,
            "wanted": None if decision.wanted is MISSING else decision.wanted,
            "why": decision.why,
        }
        for decision in decisions
        if decision.outcome is not Outcome.SAME
    ]


def _place(decision: Decision) -> str:
    return (
        decision.item[1]
        if decision.item[0] in ("environments", "states", "sources", "triggers", "alerts", "approvals", "applications")
        else _EVERYWHERE
    )


def _subject(decision: Decision) -> str:
    kind, *rest = decision.item
    if kind == "environments":
        return rest[1]
    if kind == "flags":
        return f"flag {rest[0]} {rest[1]}"
    if kind == "states":
        return f"flag {rest[1]} {'.'.join(rest[2:])}"
    return f"{_NOUNS[kind]} {rest[-1]}"


def _change(decision: Decision) -> str:
    now, then = _value(decision, decision.current), _value(decision, decision.wanted)
    if decision.outcome in (Outcome.EXTRA, Outcome.GONE):
        return f"stays {now} ({decision.why})"
    if decision.outcome is Outcome.ASK:
        return f"{now} -> {then} ({decision.why})"
    if decision.outcome is Outcome.KEEP:
        return f"stays {now}, the file says {then} ({decision.why})"
    return then if decision.outcome is Outcome.CREATE else f"{now} -> {then}"


def _value(decision: Decision, value: Any) -> str:
    """The value in a few words."""
    if value is MISSING:
        return "nothing"
    last = decision.item[-1]
    if last == "rollout" and decision.item[0] == "states":
        return f"{'enabled' if value['enabled'] else 'disabled'} at {value['percentage']:g} %"
    if last == "allowedUsers" and decision.item[0] == "states":
        return f"{len(value)} npubs" if len(value) > 3 else f"[{', '.join(value)}]"
    told = _WORDS.get(decision.item[0])
    return told(value) if told and isinstance(value, dict) else json.dumps(value, ensure_ascii=False)


def _ramp(value: dict[str, Any]) -> str:
    shares = ", ".join(f"{step['percentage']:g}" for step in value["steps"])
    hours = value["hours"]
    only = f", {', '.join(hours['days'])} {hours['from']} to {hours['to']}" if hours else ""
    return f"{value['name']!r} ({shares} %{only})"


def _trigger(value: dict[str, Any]) -> str:
    off = "" if value["enabled"] else ", off"
    return f"{value['measure']} > {value['threshold']:g} in {value['window']} s{off}"


def _metric(value: dict[str, Any]) -> str:
    unit = f" in {value['unit']}" if value["unit"] else ""
    return f"{value['title']!r}{unit}"


def _alert(value: dict[str, Any]) -> str:
    return f"{value['condition'] or value['expr']} for {value['for_seconds']} s, {value['severity']}"


_WORDS: dict[str, Callable[[dict[str, Any]], str]] = {
    "ramps": _ramp,
    "triggers": _trigger,
    "metrics": _metric,
    "kpis": lambda value: f"{value['name']!r}, target {value['target']}",
    "risks": lambda value: f"{value['title']!r}, {value['probability']} and {value['impact']}",
    "alerts": _alert,
    "sources": lambda value: f"{value['kind']} {value['url']}",
    "plans": lambda value: f"{value['name']!r}, {len(value['phases'])} phases",
    "statusComponents": lambda value: repr(value["name"]),
    "schedules": lambda value: f"{value['name']!r}, {len(value['layers'])} layers{', imported' * bool(value['feed'])}",
    "lessons": lambda value: f"{value['text']!r}, {value['sort']} of the {value['area']}",
    "nextPhases": lambda value: f"{value['title']!r}, {len(value['prerequisites'])} prerequisites",
    "roadmap": lambda value: f"{value['focus']!r}, {len(value['deliverables'])} deliverables",
    "chains": lambda value: f"{value['name']!r}, {len(value['steps'])} steps",
}
