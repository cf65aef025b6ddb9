"""A file of npubs: plain text, CSV or TSV, as spreadsheets and databases write them. Told whole: what is wrong
with every line, not with the first one.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.errors import Invalid
from flags.domain.change import MAX_NPUB_LENGTH

MAX_FILE_BYTES = 12 * 1024 * 1024
NPUB_LENGTH = 63  # NIP-19: bech32 of 32 bytes
SHOWN = 100  # bad lines that are told one by one
_HEADINGS = ("npub", "npubs", "unit", "user", "user_id", "userid", "id", "pubkey", "key", "targetingkey")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class BadLine:
    number: int
    text: str
    why: str


@dataclass(frozen=True, slots=True)
class Upload:
    """What a file holds. With `bad` lines nothing of it may be loaded; `columns` are to choose from, if several.

    `npubs` are in the order of the file, each once; `duplicates` those that came more often.
    """

    npubs: tuple[str, ...] = ()
    duplicates: tuple[str, ...] = ()
    bad: tuple[BadLine, ...] = ()
    bad_total: int = 0
    columns: tuple[str, ...] = ()


def read_file(content: bytes, *, column: str = "") -> Upload:
    """Read a file. Invalid when it is too long, no text, or empty.

    Args:
        column: which one holds the npubs: its heading, or its number from 1; "" to find out. A file with several
            columns and no heading that says npub comes back with its `columns` and nothing else.
    """
    rows = [(number, row) for number, row in _rows(_text(content)) if any(cell.strip() for cell in row)]
    if not rows:
        raise Invalid("The file is empty.", field="file")
    heading = _heading(rows[0][1])
    width = max(len(row) for _, row in rows)
    names = tuple(cell.strip() or str(index) for index, cell in enumerate(heading or (), start=1))
    columns = names if names else tuple(map(str, range(1, width + 1)))
    index = _column(columns, column)
    if index is None:
        return Upload(columns=columns)
    return _read(rows[1:] if heading else rows, index, columns if width > 1 else ())


def safe_cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula; an npub never begins so, but other units may."""
    return f"'{text}" if text.startswith((*_FORMULA, "'")) else text


def problem_with(npub: str) -> str:
    """What is wrong with an npub; "" when nothing is."""
    if len(npub) > MAX_NPUB_LENGTH:
        return f"has {len(npub)} characters; an npub has at most {MAX_NPUB_LENGTH}"
    if any(character.isspace() for character in npub):
        return "has a blank inside"
    return "" if npub.isprintable() else "has characters that cannot be printed"


def unusual(npubs: Sequence[str]) -> tuple[str, ...]:
    """Those that are no whole npub: `npub1` and 58 characters. They are units all the same, but maybe a slip."""
    return tuple(npub for npub in npubs if len(npub) != NPUB_LENGTH or not npub.startswith("npub1"))


def _text(content: bytes) -> str:
    if len(content) > MAX_FILE_BYTES:
        raise Invalid(
            f"The file has {len(content) / 2**20:.1f} MB; at most {MAX_FILE_BYTES // 2**20} MB are read.", field="file"
        )
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif b"\0" in content:
        raise Invalid("The file is no text: save it as CSV, not as a workbook.", field="file")
    else:
        encoding = "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise Invalid(
            f"Line {line} is not in UTF-8 (byte 0x{content[error.start]:02x}): save the file as CSV in UTF-8.",
            field="file",
        ) from None


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with the number of their line; a line that CSV cannot be read from is a row of its own."""
    separator = _separator(text)
    if not separator:
        yield from ((number, [line]) for number, line in enumerate(text.splitlines(), start=1))
        return
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise Invalid(f"Line {reader.line_num} is no CSV: {error}.", field="file") from error


def _separator(text: str) -> str:
    """By the first lines: tab, semicolon or comma; "" for one npub a line.

    A heading that is all of its line tells of one column, in whose cells commas are quoted.
    """
    if _name(text.split("\n", 1)[0].strip().strip('"')) in _HEADINGS:
        return ","
    head = text[:10_000].splitlines()[:20]
    counts = {mark: sum(line.count(mark) for line in head) for mark in "\t;,"}
    best = max(counts, key=lambda mark: counts[mark])
    return best if counts[best] else ('"' in text[:10_000] and ",") or ""


def _heading(row: Sequence[str]) -> list[str] | None:
    """The first row, if it names its columns: no npub is called so, nor are numbers headings."""
    cells = [cell.strip() for cell in row]
    names = [_name(cell) for cell in cells]
    if any(name in _HEADINGS for name in names):
        return cells
    wordy = len(cells) > 1 and all(cell and not cell.lower().startswith("npub1") for cell in cells)
    return cells if wordy and not any(any(c.isdecimal() for c in cell) for cell in cells) else None


def _name(heading: str) -> str:
    return heading.lower().replace(" ", "_")


def _column(columns: Sequence[str], wanted: str) -> int | None:
    lowered = [_name(name) for name in columns]
    if wanted:
        if _name(wanted) not in lowered:
            raise Invalid(f"There is no column {wanted!r}; there are {', '.join(columns)}.", field="column")
        return lowered.index(_name(wanted))
    if len(columns) == 1:
        return 0
    named = [index for name in _HEADINGS[:2] for index, found in enumerate(lowered) if found == name]
    return named[0] if named else None


def _read(rows: Sequence[tuple[int, list[str]]], index: int, columns: tuple[str, ...]) -> Upload:
    seen: dict[str, None] = {}
    duplicates: dict[str, None] = {}
    bad: list[BadLine] = []
    total = 0
    for number, row in rows:
        npub = row[index].strip() if index < len(row) else ""
        npub = npub[1:] if npub[:1] == "'" and npub[1:2] in (*_FORMULA, "'") else npub  # as `safe_cell` wrote it
        why = problem_with(npub) if npub else "has nothing in this column"
        if why:
            total += 1
            if len(bad) < SHOWN:
                bad.append(BadLine(number, npub[:60], why))
        elif npub in seen:
            duplicates[npub] = None
        else:
            seen[npub] = None
    return Upload(tuple(seen), tuple(duplicates), tuple(bad), total, columns)
