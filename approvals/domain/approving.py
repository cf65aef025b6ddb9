"""Whose word counts, and how many words there must be."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.actors import Actor, ActorKind
from core.asking import Need

MOST = 3  # approvals that a rule can ask for
EXPIRES_AFTER = 3 * 86_400  # seconds, where no rule says


class Word(Protocol):
    """An Approval has it."""

    approver: str
    digest: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What the rules ask of a request: approvals by `needed` people, within `expires_after` seconds, and why."""

    needed: int
    expires_after: int
    why: tuple[str, ...]


def terms(needs: Sequence[Need]) -> Terms:
    """The strictest of the rules that were met; one approval in three days where none was."""
    return Terms(
        needed=min(MOST, max([need.approvals for need in needs], default=1)),
        expires_after=min([need.expires_after for need in needs], default=EXPIRES_AFTER),
        why=tuple(dict.fromkeys(need.why for need in needs)),
    )


def counting(words: Iterable[Word], *, digest: str, contributors: Collection[str]) -> list[str]:
    """The people whose approval counts: for what is asked now, and by nobody who laid hands on it."""
    return sorted({word.approver for word in words if word.digest == digest and word.approver not in contributors})


def not_allowed(actor: Actor, contributors: Collection[str]) -> str:
    """Why this actor may never approve the request; empty when it may."""
    if actor.kind is not ActorKind.PERSON:
        return f"Only a person approves, signed in; {actor.name} is a {actor.kind.value}."
    if actor.name in contributors:
        return f"{actor.name} asked for this, made the token that did, or edited it: another person has to approve it."
    return ""
