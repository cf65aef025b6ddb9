"""A report, made of what was read and of nothing else: the same inputs make the same report, whoever makes it when."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from reports.domain.comparison import Kind
from reports.domain.measures import Measured, Section
from reports.domain.periods import Period
from reports.domain.rules import Rule, Urgency, recommendations
from reports.domain.sentences import Direction, amount, listed, short, trend
from reports.domain.turning import Turn, turns

FORMAT = 1  # of the inputs and of the report; raised whenever the same inputs would make another report


def digest(inputs: Mapping[str, Any]) -> str:
    """SHA-256 of the inputs, written in one way."""
    text = json.dumps(inputs, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def period_of(told: Mapping[str, str]) -> Period:
    """The period as inputs and reports have it."""
    return Period(datetime.fromisoformat(told["start"]), datetime.fromisoformat(told["end"]), told["zone"])


def told_period(period: Period) -> dict[str, str]:
    """As `period_of` reads it."""
    start, end = period.start.astimezone(UTC).isoformat(), period.end.astimezone(UTC).isoformat()
    return {"start": start, "end": end, "zone": period.zone}


def build(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The seed's report: period, metrics, analysis, recommendations, nextActions, and what could not be measured."""
    period = period_of(inputs["period"])
    measured = [Measured.read(stored) for stored in inputs["measures"]]
    trends = {one.name: _trends(one) for one in measured}
    found = [turn for one in measured for turn in turns(one, period)]
    told = [turn.told(period, inputs["events"]) for turn in found]
    changed = {turn.measured.name: each["sentence"] for turn, each in zip(found, told, strict=True) if _bad(turn)}
    follow_up: list[dict[str, Any]] = list(inputs["follow_up"])
    rules = [Rule.read(stored) for stored in inputs["rules"]]
    advice = recommendations(rules, measured, trends, changed, follow_up)
    return {
        "format": FORMAT,
        "environment": inputs["environment"],
        "period": {**inputs["period"], "words": period.words(), "before": inputs["before"]["words"]}
        | {"baseline": inputs["baseline"]["words"]},
        "headline": headline(measured, trends, advice),
        "metrics": {section.value: _figures(section, measured, period) for section in Section},
        "rollout": list(inputs["rollout"]),
        "kpis": list(inputs["kpis"]),
        "analysis": {
            "trends": [
                {"name": one.name, "label": one.label, **trends[one.name]}
                for one in measured
                if one.over(one.now) is not None
            ],
            "changePoints": told,
            "events": list(inputs["events"]),
            "eventsLeftOut": inputs["events_left_out"],
            "counts": dict(inputs["event_counts"]),
        },
        "recommendations": advice,
        "nextActions": _actions(advice, period),
        "followUp": follow_up,
        "unmeasured": unmeasured(measured, period) + list(inputs["unmeasured"]),
    }


def headline(measured: Sequence[Measured], trends: Mapping[str, Any], advice: Sequence[Mapping[str, Any]]) -> str:
    """The whole report in one or two sentences."""
    if not any(one.over(one.now) for one in measured if one.measure.key == "melts"):
        return "Nothing was reported in this time: nobody knows how the service was."
    worse = [one.label for one in measured if trends[one.name]["before"]["direction"] == Direction.WORSE]
    better = [one.label for one in measured if trends[one.name]["before"]["direction"] == Direction.BETTER]
    said = []
    if worse:
        said.append(f"Worse than the week before: {_few(worse)}.")
    if better:
        said.append(f"Better: {_few(better)}.")
    if not said:
        said.append("Nothing changed clearly against the week before.")
    urgent = sum(each["urgency"] == Urgency.NOW for each in advice)
    if urgent:
        said.append(f"{urgent} {'thing has' if urgent == 1 else 'things have'} to be done now.")
    return " ".join(said)


def unmeasured(measured: Sequence[Measured], period: Period) -> list[dict[str, str]]:
    """What nobody knows of this time: figures without data, those of fewer days than there were, and the gaps."""
    found = []
    for one in measured:
        known = one.over(one.now)
        if known is None:
            found.append({"what": one.label, "why": one.why or "nothing was measured in this time"})
        elif known.days < len(one.now) and one.measure.key in ("melts", "uptime"):
            missing = len(one.now) - known.days
            found.append({"what": one.label, "why": f"{missing} of {len(one.now)} days have no data"})
    return found + _gaps(measured, period)


def _gaps(measured: Sequence[Measured], period: Period) -> list[dict[str, str]]:
    """When nctool reported no melts at all, by quarters of a day."""
    quarters = next((one.quarters_now for one in measured if one.measure.key == "melts"), ())
    edges = period.edges(quarters=True)
    if len(quarters) != len(edges) - 1 or not any(quarters):
        return []
    found = []
    for silent, places in groupby(range(len(quarters)), key=lambda place: not quarters[place]):
        run = list(places)
        if silent:
            start, end = (_clock(edges[place], period) for place in (run[0], run[-1] + 1))
            found.append({"what": f"Melts from {start} to {end}", "why": "nctool reported none"})
    return found


def _clock(second: int, period: Period) -> str:
    local = datetime.fromtimestamp(second, period.clock)
    return f"{local:%a} {local.day} {local:%b %H:%M}"


def _trends(one: Measured) -> dict[str, Any]:
    return {
        "before": trend(one, one.before, "the week before").as_dict(),
        "baseline": trend(one, one.baseline, "the baseline").as_dict(),
    }


def _bad(turn: Turn) -> bool:
    return turn.direction is Direction.WORSE


def _figures(section: Section, measured: Sequence[Measured], period: Period) -> list[dict[str, Any]]:
    return [_figure(one, period) for one in measured if one.measure.section is section]


def _figure(one: Measured, period: Period) -> dict[str, Any]:
    now = one.over(one.now)
    counted = now is not None and one.measure.kind is Kind.COUNT
    return {
        "name": one.name,
        "key": one.measure.key,
        "of": one.of,
        "label": one.label,
        "meaning": one.measure.meaning,
        "unit": one.measure.suffix,
        "better": one.measure.better.value,
        "business": one.measure.business,
        "value": short(now.value) if now else None,
        "said": amount(now.value, one.measure.suffix) if now else "not measured",
        "total": short(now.part) if now and counted else None,
        "n": short(now.n) if now else 0,
        "daysMeasured": now.days if now else 0,
        "days": len(one.now),
        "daily": [short(one.value(day)) for day in one.now],
        "dailyBefore": [short(one.value(day)) for day in one.before],
        "why": "" if now else one.why or "nothing was measured in this time",
    }


def _actions(advice: Sequence[Mapping[str, Any]], period: Period) -> list[dict[str, Any]]:
    """What somebody has to do, and until when: days after the end of the period."""
    last = (period.end - timedelta(seconds=1)).astimezone(period.clock).date()
    return [
        {
            "key": each["key"],
            "title": each["text"],
            "owner": each["owner"],
            "due": (last + timedelta(days=each["days"])).isoformat(),
            "urgency": each["urgency"],
            "why": "; ".join(each["figures"]),
        }
        for each in advice
        if each["owner"]
    ]


def _few(labels: Sequence[str]) -> str:
    shown = [label if number == 0 else label[:1].lower() + label[1:] for number, label in enumerate(labels[:3])]
    return listed([*shown, f"{len(labels) - 3} more"] if len(labels) > 3 else shown)
