"""Rows as aligned columns, for people who read a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def lines(head: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    """The head and the rows, each column as wide as its widest cell; numbers stand to the right, the last is free."""
    texts = [list(head), *([_text(cell) for cell in row] for row in rows)]
    widths = [max(len(text[at]) for text in texts) for at in range(len(head))]
    right = [bool(rows) and all(isinstance(row[at], int | float) for row in rows) for at in range(len(head))]
    for text in texts:
        cells = [
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(text, widths, right, strict=True)
        ]
        yield "  ".join(cells).rstrip()


def _text(cell: object) -> str:
    if cell is None:
        return "–"
    return f"{cell:g}" if isinstance(cell, float) else str(cell)
