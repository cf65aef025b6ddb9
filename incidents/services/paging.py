"""How people are called: by whoever keeps the escalation chains. Until somebody does, nobody is called.

An incident opens, and is acknowledged, also when nobody can be called: then a note in its timeline says so.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from django.db import transaction

from core.actors import Actor
from core.errors import DomainError
from incidents.models import Incident
from incidents.services.locking import tell


class Pager(Protocol):
    """Calls people by a chain until one of them acknowledges. Every call is part of the caller's transaction."""

    def start(
        self, *, subject: str, chain: str, title: str, level: int, environment: str, actor: Actor, now: datetime
    ) -> object: ...

    def acknowledge(self, *, subject: str, actor: Actor, now: datetime) -> object: ...

    def stop(self, *, subject: str, actor: Actor, now: datetime) -> object: ...


_pagers: list[Pager] = []


def use(pager: Pager | None) -> None:
    """From now on this one calls people; None: nobody does."""
    _pagers[:] = [pager] if pager else []


def start(row: Incident, chain: str, *, actor: Actor, now: datetime) -> bool:
    """Call people by this chain; whether they are called. One without a chain calls nobody."""

    def call(pager: Pager) -> object:
        return pager.start(
            subject=_subject(row),
            chain=chain,
            title=row.title,
            level=row.level,
            environment=row.environment.key,
            actor=actor,
            now=now,
        )

    return bool(chain) and _try(row, call, actor=actor, now=now)


def acknowledge(row: Incident, *, actor: Actor, now: datetime) -> None:
    _try(row, lambda pager: pager.acknowledge(subject=_subject(row), actor=actor, now=now), actor=actor, now=now)


def stop(row: Incident, *, actor: Actor, now: datetime) -> None:
    _try(row, lambda pager: pager.stop(subject=_subject(row), actor=actor, now=now), actor=actor, now=now)


def _try(row: Incident, call: Callable[[Pager], object], *, actor: Actor, now: datetime) -> bool:
    """What the pager refuses is undone and told; the rest of the change stands."""
    for pager in _pagers:
        try:
            with transaction.atomic():
                call(pager)
        except DomainError as error:
            tell(row, "note", actor=actor, reason=f"The escalation did not do its part: {error}", now=now)
            return False
    return bool(_pagers)


def _subject(row: Incident) -> str:
    """As events name it."""
    return f"incident:{row.pk}"
