"""How people are called: by whoever keeps the escalation chains. Until somebody does, nobody is called."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from core.actors import Actor
from incidents.models import Incident


class Pager(Protocol):
    """Calls people by a chain until one of them acknowledges. Every call is part of the caller's transaction."""

    def start(
        self, *, subject: str, chain: str, title: str, level: int, environment: str, actor: Actor, now: datetime
    ) -> None: ...

    def acknowledge(self, *, subject: str, actor: Actor, now: datetime) -> None: ...

    def stop(self, *, subject: str, actor: Actor, now: datetime) -> None: ...


_pagers: list[Pager] = []


def use(pager: Pager | None) -> None:
    """From now on this one calls people; None: nobody does."""
    _pagers[:] = [pager] if pager else []


def start(row: Incident, chain: str, *, actor: Actor, now: datetime) -> None:
    """Call people by the chain of its level; one without a chain calls nobody."""
    for pager in _pagers if chain else ():
        pager.start(
            subject=subject(row),
            chain=chain,
            title=row.title,
            level=row.level,
            environment=row.environment.key,
            actor=actor,
            now=now,
        )


def acknowledge(row: Incident, *, actor: Actor, now: datetime) -> None:
    for pager in _pagers:
        pager.acknowledge(subject=subject(row), actor=actor, now=now)


def stop(row: Incident, *, actor: Actor, now: datetime) -> None:
    for pager in _pagers:
        pager.stop(subject=subject(row), actor=actor, now=now)


def subject(row: Incident) -> str:
    """As events name it."""
    return f"incident:{row.pk}"
