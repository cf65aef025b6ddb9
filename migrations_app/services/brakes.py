"""What may hold a run beside its own database: apps above say so, without being known here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

Brake = Callable[[str], str]
_brakes: list[Brake] = []


def add(brake: Brake) -> None:
    """A function that says for an environment why runs have to wait there now, or an empty text."""
    if brake not in _brakes:
        _brakes.append(brake)


def of(environment: str) -> tuple[Callable[[], str], ...]:
    """The brakes of one environment."""
    return tuple(partial(brake, environment) for brake in _brakes)
