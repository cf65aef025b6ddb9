"""Flags that ask for other flags. Each one that is needed is decided once, after those that it needs itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nctool_flags.compiling import Decide, Flag
    from nctool_flags.conditions import Attributes
    from nctool_flags.decision import Outcome


def deciders(flags: Mapping[str, Flag]) -> dict[str, Decide]:
    """How each flag decides, its prerequisites included."""
    place = {key: number for number, key in enumerate(_settled(flags))}
    return {key: _required(_chain(flag, flags, place)) if flag.wanted else flag.answer for key, flag in flags.items()}


def _settled(flags: Mapping[str, Flag]) -> list[str]:
    """The keys, each after its prerequisites. Those that lead into a circle are left out."""
    open_for = {key: sum(wanted in flags for wanted, *_ in flag.wanted) for key, flag in flags.items()}
    wanted_by: dict[str, list[str]] = {}
    for key, flag in flags.items():
        for wanted, *_ in flag.wanted:
            wanted_by.setdefault(wanted, []).append(key)
    settled = [key for key, number in open_for.items() if not number]
    for key in settled:  # it grows meanwhile
        for one in wanted_by.get(key, ()):
            open_for[one] -= 1
            if not open_for[one]:
                settled.append(one)
    return settled


def _chain(flag: Flag, flags: Mapping[str, Flag], place: Mapping[str, int]) -> list[Flag]:
    """The flag and all that it needs, in the order to decide them; it alone when it leads into a circle.

    Then nothing is known when its prerequisites are asked for, so they are not met.
    """
    if flag.key not in place:
        return [flag]
    needed, found = {flag.key}, [flag.key]
    for key in found:  # it grows meanwhile
        fresh = [wanted for wanted, *_ in flags[key].wanted if wanted in flags and wanted not in needed]
        needed.update(fresh)
        found.extend(fresh)
    return [flags[key] for key in sorted(needed, key=place.__getitem__)]


def _required(chain: Sequence[Flag]) -> Decide:
    last = chain[-1].key

    def required(unit: str, attributes: Attributes) -> Outcome:
        known: dict[str, Outcome] = {}
        for flag in chain:
            known[flag.key] = flag.unmet(known) or flag.answer(unit, attributes)
        return known[last]

    return required
