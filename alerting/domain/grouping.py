"""Alerts of one rule that become known together are told together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

NAMED = 3  # of a group, in words


def common(labels: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The labels that all of them have."""
    first, *others = labels
    return {name: value for name, value in first.items() if all(other.get(name) == value for other in others)}


def words(summaries: Sequence[str], noun: str = "alerts") -> str:
    """One in its own words; of many how many there are, and the first three that differ."""
    if len(summaries) == 1:
        return summaries[0]
    different = sorted(set(summaries))
    more = f"; and {len(different) - NAMED} more" if len(different) > NAMED else ""
    return f"{len(summaries)} {noun}: {'; '.join(different[:NAMED])}{more}"


def worst(severities: Iterable[str], order: Sequence[str]) -> str:
    """The first in `order` that is among them; one that is not in it is as bad as can be."""
    found = list(severities)
    return min(found, key=lambda one: order.index(one) if one in order else -1)
