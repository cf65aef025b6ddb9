"""What an evaluation works with: labels, series, instant vectors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.errors import Invalid

NAME = "__name__"
Labels = tuple[tuple[str, str], ...]  # sorted; the metric's name is the label __name__
Vector = dict[Labels, float]


@dataclass(frozen=True, slots=True)
class Line:
    """A series: its labels, and samples in the order of time (unix seconds)."""

    labels: Labels
    times: Sequence[float]
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a result."""

    labels: Mapping[str, str]
    value: float


def labels_of(labels: Mapping[str, str]) -> Labels:
    return tuple(sorted(labels.items()))


def unnamed(labels: Labels) -> Labels:
    return tuple(pair for pair in labels if pair[0] != NAME)


def without(labels: Labels, name: str) -> Labels:
    return tuple(pair for pair in labels if pair[0] != name)


def only(labels: Labels, names: Iterable[str]) -> Labels:
    wanted = frozenset(names)
    return tuple(pair for pair in labels if pair[0] in wanted)


def besides(labels: Labels, names: Iterable[str]) -> Labels:
    """Without these labels and without the name."""
    dropped = frozenset(names) | {NAME}
    return tuple(pair for pair in labels if pair[0] not in dropped)


def vector(elements: Iterable[tuple[Labels, float]]) -> Vector:
    """Invalid when two elements have the same labels: which of them would be meant?"""
    found: Vector = {}
    for labels, value in elements:
        if labels in found:
            raise Invalid("Two series of the result would have the same labels: aggregate them, or keep a label more.")
        found[labels] = value
    return found
