"""Figures from outside as a CSV file: read whole, or refused with every line that is wrong and what to do."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import IO

from core.errors import Invalid

COLUMNS = ("kpi", "start", "end", "baseline", "current", "note")
NEEDED = ("kpi", "start", "end", "current")
MOST_LINES, MOST_BYTES = 1_000, 1_000_000
MOST_TOLD = 20
EXAMPLE = f"{','.join(COLUMNS)}\nsupportTicketReduction,2025-08-01,2025-08-31,120,90,from the help desk\n"


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of the file; `number` is that of its line."""

    number: int
    kpi: str
    start: date
    end: date
    current: float
    baseline: float | None
    note: str


def read(content: bytes) -> list[Line]:
    """The figures of the file. Raises Invalid (field `file`) with every line that is wrong; then nothing is taken."""
    rows = list(_rows(_text(content)))
    if not rows:
        raise Invalid(f"The file has no figures. Its first line is: {','.join(COLUMNS)}", field="file")
    lines: list[Line] = []
    wrong: list[str] = []
    for number, row in rows:
        try:
            lines.append(_line(number, row))
        except Invalid as error:
            wrong.append(f"Line {number}: {error}")
    refuse([*wrong, *_twice(lines)])
    return lines


def read_from(file: IO[bytes]) -> bytes:
    """What is in the file, or of one that is too large as much as it takes to refuse it."""
    return file.read(MOST_BYTES + 1)


def _twice(lines: Sequence[Line]) -> Iterator[str]:
    seen: dict[tuple[str, date, date], int] = {}
    for line in lines:
        first = seen.setdefault((line.kpi, line.start, line.end), line.number)
        if first != line.number:
            yield f"Line {line.number}: line {first} is about the same KPI and period."


def refuse(wrong: Sequence[str]) -> None:
    """Raise Invalid with what is wrong with which lines, when anything is."""
    if wrong:
        more = f" And {len(wrong) - MOST_TOLD} more." if len(wrong) > MOST_TOLD else ""
        raise Invalid(f"Nothing was taken. {' '.join(wrong[:MOST_TOLD])}{more}", field="file")


def _text(content: bytes) -> str:
    if len(content) > MOST_BYTES:
        raise Invalid("The file is larger than 1 MB: split it.", field="file")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid("The file is not UTF-8: save it as CSV UTF-8.", field="file") from None


def _rows(text: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    reader = csv.reader(io.StringIO(text), strict=True)
    try:
        head = [name.strip().lower() for name in next(reader, [])]
        _check_head(head)
        for row in reader:
            if reader.line_num > MOST_LINES:
                raise Invalid(f"The file has more than {MOST_LINES:,} lines: split it.", field="file")
            if any(cell.strip() for cell in row):
                yield reader.line_num, _named(head, row, reader.line_num)
    except csv.Error as error:
        raise Invalid(f"Line {reader.line_num}: this is no CSV ({error}).", field="file") from None


def _check_head(head: Sequence[str]) -> None:
    missing = [name for name in NEEDED if name not in head]
    unknown = [name or "(empty)" for name in head if name not in COLUMNS]
    if not missing and not unknown and len(set(head)) == len(head):
        return
    parts = [f"it lacks {', '.join(missing)}"] if missing else []
    parts += [f"it has {', '.join(unknown)}, which nobody knows"] if unknown else []
    parts = parts or ["it has a column twice"]
    hint = " Separate the columns by commas." if len(head) == 1 and ";" in head[0] else ""
    raise Invalid(
        f"Line 1 names the columns, and {' and '.join(parts)}. It should be: {','.join(COLUMNS)}.{hint}", field="file"
    )


def _named(head: Sequence[str], row: Sequence[str], number: int) -> Mapping[str, str]:
    if len(row) != len(head):
        raise Invalid(
            f"Nothing was taken. Line {number} has {len(row)} cells, and there are {len(head)} columns.", field="file"
        )
    return {name: cell.strip() for name, cell in zip(head, row, strict=True)}


def _line(number: int, row: Mapping[str, str]) -> Line:
    baseline = row.get("baseline", "")
    return Line(
        number=number,
        kpi=row["kpi"],
        start=_day(row["start"], "start"),
        end=_day(row["end"], "end"),
        current=_amount(row["current"], "current"),
        baseline=_amount(baseline, "baseline") if baseline else None,
        note=row.get("note", ""),
    )


def _day(text: str, column: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid(f"{column} {text!r} is no date; write it like 2025-08-31.") from None


def _amount(text: str, column: str) -> float:
    try:
        return float(text) if "_" not in text else _no_number(text, column)
    except ValueError:
        return _no_number(text, column)


def _no_number(text: str, column: str) -> float:
    raise Invalid(f"{column} {text!r} is no number; write it like 1234.5.")
