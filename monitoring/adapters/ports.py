"""What is asked of servers that measurements come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.errors import DomainError


class Unavailable(DomainError):
    """The server gave no usable answer; the text says what it did, without any secret."""

    status = 502


class Unreachable(Unavailable):
    """It did not answer at all, or not in time: asking for something else is of no use now."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One series of an answer: its labels, when it was measured (unix seconds), and its value."""

    labels: Mapping[str, str]
    at: float
    value: float


@dataclass(frozen=True, slots=True)
class Track:
    """One series of an answer over time: unix seconds and values, where it has one."""

    labels: Mapping[str, str]
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Fetched:
    """The answer of an address: its status, and how long it took."""

    status: int
    milliseconds: float


class Prometheus(Protocol):
    def query(self, expr: str, *, at: float) -> Sequence[Sample]:
        """What the expression is at unix second `at`. Raises Unavailable."""
        ...

    def over(self, expr: str, *, start: float, end: float, step: int) -> Sequence[Track]:
        """What the expression is at `start` and every `step` seconds up to `end`. Raises Unavailable."""
        ...


class Probe(Protocol):
    def fetch(self) -> Fetched:
        """Ask the address once. Raises Unavailable when nobody answers in time."""
        ...
