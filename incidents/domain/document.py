"""A post-mortem as Markdown: begun from the timeline, and as a file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

SECTIONS = ("Summary", "Impact", "Timeline", "Root cause", "What went well", "What went badly")
_SPECIAL = re.compile(r"([\\`*_\[\]<>|#])")


@dataclass(frozen=True, slots=True)
class Moment:
    """A line of the timeline."""

    at: datetime
    what: str
    who: str


@dataclass(frozen=True, slots=True)
class ToDo:
    """`done` is who has done it; empty: nobody yet."""

    text: str
    owner: str
    due: date
    done: str = ""


def begun(summary: str, facts: Sequence[tuple[str, str]], timeline: Sequence[Moment]) -> str:
    """The sections with what is known already; `facts` are names and values of the impact."""
    told = {
        "Summary": plain(summary) or "_What happened, in two sentences for somebody who was not there._",
        "Impact": "\n".join(f"- {name}: {plain(value)}" for name, value in facts),
        "Timeline": "\n".join(_lines(timeline)),
        "Root cause": "_Why it could happen; not who._",
        "What went well": "- ",
        "What went badly": "- ",
    }
    return "\n".join(f"## {title}\n\n{told[title]}\n" for title in SECTIONS)


def exported(title: str, text: str, items: Sequence[ToDo]) -> str:
    """The whole document, with what is to be done as a table."""
    rows = [f"| {plain(item.text)} | {plain(item.owner)} | {item.due} | {_state(item)} |" for item in items]
    table = ["| Action | Owner | Due | State |", "| --- | --- | --- | --- |", *rows] if rows else ["None yet."]
    return f"# {plain(title)}\n\n{text.strip()}\n\n## Action items\n\n" + "\n".join(table) + "\n"


def _state(item: ToDo) -> str:
    return f"done by {plain(item.done)}" if item.done else "open"


def plain(text: str) -> str:
    """One line in which nothing is taken for Markdown."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _lines(timeline: Sequence[Moment]) -> Iterator[str]:
    """A line for each moment, below its day."""
    day = None
    for each in timeline:
        at = each.at.astimezone(UTC)
        if at.date() != day:
            day = at.date()
            yield f"{day} (UTC)\n"
        yield f"- {at:%H:%M:%S} {plain(each.what)} ({plain(each.who)})"
