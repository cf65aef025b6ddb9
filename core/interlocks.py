"""What may forbid that a flag is raised, beside freezes and approvals: apps above flags say so, without being known."""

from __future__ import annotations

from collections.abc import Callable

from core.errors import Conflict

Interlock = Callable[[str, str], str]
_interlocks: list[Interlock] = []


def add(interlock: Interlock) -> None:
    """A function of a flag's key and an environment's: why nobody more may get it there, or an empty text.

    It is asked inside the transaction of a change, so it reads rows only.
    """
    if interlock not in _interlocks:
        _interlocks.append(interlock)


def obstacle(flag: str, environment: str) -> str:
    """The first reason that is found; empty: there is none."""
    return next(filter(None, (each(flag, environment) for each in _interlocks)), "")


def require_none(flag: str, environment: str) -> None:
    """Raises Conflict with the reason."""
    why = obstacle(flag, environment)
    if why:
        raise Conflict(why)
