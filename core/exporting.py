"""The event log as a file: CSV for a spreadsheet, JSON for a program. One line after the other, however long it is."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from core.changes import differences

if TYPE_CHECKING:
    from core.models import Event

COLUMNS = ("id", "at", "kind", "subject", "environment", "actor", "actor_kind", "reason", "request", "ramp", "changes")
MOST = 1_000_000  # events in one file, the newest first
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run (OWASP, CSV injection)


class Form(StrEnum):
    CSV = "csv"
    JSON = "json"


MEDIA_TYPES = {Form.CSV: "text/csv; charset=utf-8", Form.JSON: "application/json"}


def lines(events: Iterable[Event], form: Form) -> Iterator[str]:
    """The file piece by piece. The events have their environment loaded."""
    return csv_lines(events) if form is Form.CSV else json_lines(events)


def csv_lines(events: Iterable[Event]) -> Iterator[str]:
    """A head and one line for each event."""
    return table(COLUMNS, ([_cell(event, column) for column in COLUMNS] for event in events))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A head and these rows as RFC 4180 has it. No cell starts like a formula."""
    writer = csv.writer(_Echo())
    yield writer.writerow(head)
    for row in rows:
        yield writer.writerow([safe(cell) for cell in row])


def json_lines(events: Iterable[Event]) -> Iterator[str]:
    """One JSON array of `as_dict`, one event a line."""
    before = "[\n"
    for event in events:
        yield before + json.dumps(as_dict(event), ensure_ascii=False)
        before = ",\n"
    yield "\n]\n" if before == ",\n" else "[]\n"


def as_dict(event: Event) -> dict[str, Any]:
    """Everything that is kept of an event."""
    return {
        "id": event.pk,
        "at": event.at.isoformat(),
        "kind": event.kind,
        "subject": event.subject,
        "environment": event.environment.key if event.environment else None,
        "actor": event.actor,
        "actor_kind": event.actor_kind,
        "reason": event.reason,
        "before": event.before,
        "after": event.after,
        "data": event.data,
    }


def safe(text: str) -> str:
    """A cell that no spreadsheet takes for a formula: one that starts like it gets an apostrophe in front."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _cell(event: Event, column: str) -> str:
    if column == "changes":
        return "; ".join(
            f"{each.field}: {each.before or '(nothing)'} → {each.after or '(nothing)'}"
            for each in differences(event.before, event.after)
        )
    value = event.data.get(column) if column in ("request", "ramp") else as_dict(event)[column]
    return "" if value is None else str(value)


class _Echo:
    """A file that hands back what is written, for csv.writer."""

    def write(self, text: str) -> str:
        return text
