"""StrEnum to Django choices, as plain strings so that migrations import no domain code."""

from __future__ import annotations

from enum import StrEnum


def choices(states: type[StrEnum]) -> list[tuple[str, str]]:
    return [(state.value, state.value.replace("_", " ")) for state in states]
