"""Tables as Markdown, with the machine they were made on."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime


def show(title: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print the table; the first column is text, the others are right-aligned."""
    print(f"\n### {title}\n")
    print(f"| {' | '.join(head)} |")
    print(f"|---|{'--:|' * (len(head) - 1)}")
    for row in rows:
        print(f"| {' | '.join(str(cell) for cell in row)} |")
    print(f"\n{_machine()}")


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` percent of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered) - 1, -(-len(ordered) * int(share) // 100) - 1))]


def _machine() -> str:
    load = os.getloadavg()[0]
    today = datetime.now(tz=UTC).date().isoformat()
    return f"{os.cpu_count()} cores, Python {platform.python_version()}, load {load:.1f}, {today}"
