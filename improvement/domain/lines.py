"""Prerequisites and deliverables as people write them: one on each line, what a machine needs behind two colons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.errors import Invalid
from improvement.domain.future import CheckKind, Progress

BEHIND = "::"


def read_prerequisites(given: str) -> list[dict[str, str]]:
    """`text :: check of`, as `domain.future.read_phase` takes them. Raises Invalid with the line."""
    found = []
    for number, (text, behind) in _lines(given):
        check, _, of = behind.partition(" ")
        if check and check not in list(CheckKind):
            raise Invalid(f"Line {number}: {check!r:.30} is no check. There are {', '.join(CheckKind)}.")
        found.append({"text": text, "check": check or CheckKind.SAID.value, "of": of.strip()})
    return found


def write_prerequisites(given: Sequence[Mapping[str, str]]) -> str:
    return "\n".join(
        one["text"] if one["check"] == CheckKind.SAID else f"{one['text']} {BEHIND} {one['check']} {one['of']}".rstrip()
        for one in given
    )


def read_deliverables(given: str) -> list[dict[str, str]]:
    """`text :: state`. Raises Invalid with the line."""
    found = []
    for number, (text, state) in _lines(given):
        if state and state not in list(Progress):
            raise Invalid(f"Line {number}: {state!r:.30} is no state. There are {', '.join(Progress)}.")
        found.append({"text": text, "state": state or Progress.PLANNED.value})
    return found


def write_deliverables(given: Sequence[Mapping[str, str]]) -> str:
    return "\n".join(
        one["text"] if one["state"] == Progress.PLANNED else f"{one['text']} {BEHIND} {one['state']}" for one in given
    )


def _lines(given: str) -> list[tuple[int, tuple[str, str]]]:
    parted = [(number, line.partition(BEHIND)) for number, line in enumerate(given.splitlines(), 1) if line.strip()]
    found = [(number, (text.strip(), behind.strip())) for number, (text, _, behind) in parted]
    for number, (text, _) in found:
        if not text:
            raise Invalid(f"Line {number} has nothing before its colons.")
    return found
