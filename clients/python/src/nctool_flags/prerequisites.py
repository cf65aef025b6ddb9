"""Flags that ask for other flags. Each one that is needed is decided once, after those that it needs itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nctool_flags.compiling import Decide, Flag
    from nctool_flags.conditions import Attributes
    from nctool_flags.decision import Outcome


def decider(flag: Flag, find: Callable[[str], Flag | None]) -> Decide:
    """How the flag decides, its prerequisites included. A flag that leads into a circle finds them not met."""
    if not flag.wanted:
        return flag.answer
    needed = _needed(flag, find)
    order = _settled(needed)
    chain = [needed[key] for key in order] if len(order) == len(needed) else [flag]

    def required(unit: str, attributes: Attributes) -> Outcome:
        known: dict[str, Outcome] = {}
        for one in chain:
            known[one.key] = one.unmet(known) or one.answer(unit, attributes)
        return known[flag.key]

    return required


def _needed(flag: Flag, find: Callable[[str], Flag | None]) -> dict[str, Flag]:
    """The flag and all that it needs, also through others, as far as they exist."""
    found, ahead = {flag.key: flag}, [flag]
    while ahead:
        for key, *_ in ahead.pop().wanted:
            one = None if key in found else find(key)
            if one is not None:
                found[key] = one
                ahead.append(one)
    return found


def _settled(flags: Mapping[str, Flag]) -> list[str]:
    """The keys, each after its prerequisites. Those that lead into a circle are left out."""
    unsettled = {key: sum(wanted in flags for wanted, *_ in flag.wanted) for key, flag in flags.items()}
    wanted_by: dict[str, list[str]] = {}
    for key, flag in flags.items():
        for wanted, *_ in flag.wanted:
            wanted_by.setdefault(wanted, []).append(key)
    settled = [key for key, number in unsettled.items() if not number]
    for key in settled:  # it grows meanwhile
        for one in wanted_by.get(key, ()):
            unsettled[one] -= 1
            if not unsettled[one]:
                settled.append(one)
    return settled
