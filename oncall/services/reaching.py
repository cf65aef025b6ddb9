"""Whom a step of a chain reaches now, and why not those whom it does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core import people
from core.errors import NotFound
from core.repeating import joined
from oncall import selectors
from oncall.domain import schedule
from oncall.domain.chain import Notify, Target


@dataclass(frozen=True, slots=True)
class Reached:
    """`to` are user names; `audience` a key of the communications; `missing` are sentences about who is not reached."""

    to: tuple[str, ...] = ()
    audience: str = ""
    missing: tuple[str, ...] = ()

    @property
    def anybody(self) -> bool:
        return bool(self.to or self.audience)

    @property
    def sentence(self) -> str:
        told = [f"Told {joined(list(self.to))}."] if self.to else []
        told += [f"Told the audience {self.audience}."] if self.audience else []
        return " ".join([*(told or ["Nobody could be told."]), *self.missing])


def reach(step: Notify, *, now: datetime) -> Reached:
    """Whom the step notifies at `now`. Whoever has no account, may not sign in or has no address is not reached."""
    if step.target is Target.AUDIENCE:
        return Reached(audience=step.names[0])
    if step.target is Target.SCHEDULE:
        return _on_call(step.names[0], now=now)
    if step.target is Target.ROLE:
        return _reachable(people.with_role(step.names[0]), f"Nobody has the role {step.names[0]}.")
    return _reachable(step.names, "The step names nobody.")


def without_account(names: Sequence[str]) -> list[str]:
    """Those of these people whom nobody could reach because there is no such account."""
    known = people.accounts(names)
    return [name for name in dict.fromkeys(names) if name not in known]


def _on_call(key: str, *, now: datetime) -> Reached:
    try:
        row = selectors.schedule_of(key, now=now)
    except NotFound:
        return Reached(missing=(f"There is no schedule {key} any more.",))
    standing = schedule.standing(selectors.plan_of(row), now)
    if standing.shift is not None:
        return _reachable(standing.shift.people, "")
    until = f" until {standing.until:%Y-%m-%d %H:%M} UTC" if standing.until else ""
    return Reached(missing=(f"Nobody is on call in {row.name}{until}.",))


def _reachable(names: Sequence[str], nobody: str) -> Reached:
    if not names:
        return Reached(missing=(nobody,))
    known = people.accounts(names)
    reached, missing = [], []
    for name in dict.fromkeys(names):
        account = known.get(name)
        if account is None:
            missing.append(f"There is no account {name}.")
        elif not account.active:
            missing.append(f"The account of {name} is switched off.")
        elif not account.address:
            missing.append(f"{name} has no mail address.")
        else:
            reached.append(name)
    return Reached(tuple(reached), missing=tuple(missing))
