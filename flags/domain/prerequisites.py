"""Flags that ask for other flags: which order to decide them in, and where they go round in a circle."""

from __future__ import annotations

from collections.abc import Collection, Mapping

MAX_PREREQUISITES = 10  # of one flag

Wanted = Mapping[str, Collection[str]]


def cycle(flags: Wanted) -> list[str]:
    """The flags of one circle, each before its prerequisite and the first one again at the end; [] when there is none.

    Args:
        flags: the prerequisites of each flag by its key. Those that are no flag themselves lead nowhere.
    """
    order = settled(flags)
    left = {flag: wanted for flag, wanted in flags.items() if flag not in order}
    if not left:
        return []
    place = min(left)
    trail: dict[str, None] = {}
    while place not in trail:
        trail[place] = None
        place = min(flag for flag in left[place] if flag in left)
    path = list(trail)
    return [*path[path.index(place) :], place]


def settled(flags: Wanted) -> dict[str, None]:
    """The flags in an order in which each comes after its prerequisites; those that lead into a circle are left out."""
    waits = {flag: {name for name in wanted if name in flags} for flag, wanted in flags.items()}
    asked_by: dict[str, list[str]] = {}
    for flag, wanted in waits.items():
        for name in wanted:
            asked_by.setdefault(name, []).append(flag)
    order = dict.fromkeys(flag for flag, wanted in waits.items() if not wanted)
    ready = list(order)
    while ready:
        done = ready.pop()
        for flag in asked_by.get(done, ()):
            waits[flag].discard(done)
            if not waits[flag]:
                order[flag] = None
                ready.append(flag)
    return order
