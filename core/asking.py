"""A change as data, so that it can wait for other people's word, and the refusal that asks for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from core.actors import Actor
from core.errors import Conflict

PERMISSION = "approvals.request_change"  # to ask for changes


@dataclass(frozen=True, slots=True)
class Change:
    """What a service would do to one flag of an environment.

    `kind` names the service (`flag.state`, `flag.allow_list`, `flag.targeting`, `ramp.start`, ...), `payload` holds
    its arguments as JSON. `approvals.services.performing` turns it back into the call.
    """

    kind: str
    flag: str
    payload: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "flag": self.flag, "payload": dict(self.payload)}


@dataclass(frozen=True, slots=True)
class Need:
    """One rule that a change falls under: `why` in words, how many approvals, and seconds until a request expires."""

    why: str
    approvals: int
    expires_after: int


class ApprovalNeeded(Conflict):
    """The change may only be done as part of an approved change request. `changes` are what to ask for."""

    def __init__(self, environment: str, changes: Sequence[Change], needs: Sequence[Need]) -> None:
        self.environment = environment
        self.changes = tuple(changes)
        self.needs = tuple(needs)
        self.approvals = max(need.approvals for need in needs)
        people = "one other person" if self.approvals == 1 else f"{self.approvals} other people"
        why = " ".join(dict.fromkeys(need.why for need in needs))
        super().__init__(
            f"This needs the approval of {people}: {why} Ask for it with a change request; nothing was changed."
        )

    @property
    def title(self) -> str:
        """What a request for it may be called."""
        return title_of(self.changes)


def title_of(changes: Sequence[Change]) -> str:
    """The changes in a few words: `Change atomicMeltOperations`, `Start a ramp of …`; at most 200 characters."""
    kinds = {change.kind for change in changes}
    verb = _VERBS.get(min(kinds), _CHANGE) if len(kinds) == 1 else _CHANGE
    names = list(dict.fromkeys(change.flag or str(change.payload.get("key", "")) for change in changes))
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{verb} {', '.join(names[:3])}{more}".strip()[:200]


_CHANGE = "Change"
_VERBS = {
    "flag.allow_list": "Edit the allow-list of",
    "flag.deny_list": "Edit the deny-list of",
    "flag.targeting": "Change whom to serve by",
    "flag.promotion": "Promote",
    "flag.definition": "Change the definition of",
    "segment": "Change the segment",
    "ramp.start": "Start a ramp of",
    "ramp.resume": "Resume the ramp of",
    "ramp.advance": "Advance the ramp of",
    "rules": "Change the rules for approvals",
}


class Ask(Protocol):
    """Opens a change request; the address of its page is returned."""

    def __call__(
        self, environment: str, changes: Sequence[Change], *, title: str, reason: str, actor: Actor, now: datetime
    ) -> str: ...


_ask: list[Ask] = []


def answer_with(ask: Ask) -> Callable[[], None]:
    """The app that keeps change requests says how one is opened, so that the screens of lower apps can offer it.

    What is returned puts back who answered before.
    """
    before = list(_ask)
    _ask[:] = [ask]

    def put_back() -> None:
        _ask[:] = before

    return put_back


def ask(environment: str, changes: Sequence[Change], *, title: str, reason: str, actor: Actor, now: datetime) -> str:
    """Open a change request for these changes; the address of its page."""
    return _ask[0](environment, changes, title=title, reason=reason, actor=actor, now=now)
