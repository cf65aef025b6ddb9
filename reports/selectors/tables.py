"""The tables of a report, for a spreadsheet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

Table = tuple[Sequence[str], Iterable[Sequence[Any]]]
_AGAINST = ("direction", "then", "by", "low", "high", "sentence")


def _metrics(document: Mapping[str, Any]) -> Table:
    columns = ("section", "name", "label", "value", "unit", "total", "n", "daysMeasured", "days", "why")
    figures = [(section, each) for section, rows in document["metrics"].items() for each in rows]
    return columns, [(section, *(each[name] for name in columns[1:])) for section, each in figures]


def _daily(document: Mapping[str, Any]) -> Table:
    figures = [each for rows in document["metrics"].values() for each in rows]
    days = max((each["days"] for each in figures), default=0)
    lines = [(each["name"], each["unit"], *each["daily"], *[None] * (days - len(each["daily"]))) for each in figures]
    return ("name", "unit", *(f"day {number + 1}" for number in range(days))), lines


def _trends(document: Mapping[str, Any]) -> Table:
    lines = [
        (each["name"], against, *(each[against].get(name) for name in _AGAINST))
        for each in document["analysis"]["trends"]
        for against in ("before", "baseline")
    ]
    return ("name", "against", *_AGAINST), lines


def _plain(columns: Sequence[str], *path: str) -> Callable[[Mapping[str, Any]], Table]:
    def table(document: Mapping[str, Any]) -> Table:
        found: Any = document
        for name in path:
            found = found[name]
        return columns, [[_text(each.get(name)) for name in columns] for each in found]

    return table


def _text(value: Any) -> Any:
    return "; ".join(map(str, value)) if isinstance(value, list) else value


TABLES: Mapping[str, Callable[[Mapping[str, Any]], Table]] = {
    "metrics": _metrics,
    "days": _daily,
    "trends": _trends,
    "changes": _plain(("name", "direction", "start", "until", "from", "to", "sentence"), "analysis", "changePoints"),
    "events": _plain(("id", "at", "kind", "what", "reason"), "analysis", "events"),
    "recommendations": _plain(("key", "urgency", "text", "figures", "owner", "link"), "recommendations"),
    "actions": _plain(("key", "title", "owner", "due", "urgency", "why"), "nextActions"),
    "follow-up": _plain(("title", "owner", "due", "state"), "followUp"),
    "kpis": _plain(("key", "name", "group", "target", "value", "standing", "n", "trend", "owner"), "kpis"),
    "unmeasured": _plain(("what", "why"), "unmeasured"),
}
