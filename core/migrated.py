"""Runs of migrations of nctool's database: the app that makes them says which there are, a rollback takes them back.

A source is registered as with core.beside: the app that runs migrations is below the one that rolls back, and need
not know it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.actors import Actor
from core.errors import NotFound


@dataclass(frozen=True, slots=True)
class Run:
    """One run that can be taken back. `uid` tells it apart for good; `documents` is how many it has changed."""

    uid: str
    title: str
    documents: int


@dataclass(frozen=True, slots=True)
class Back:
    """How far a run is taken back, in words; `done` when it is."""

    told: str
    done: bool


class Source(Protocol):
    """Who runs migrations."""

    def runs(self, environment: str) -> Sequence[Run]:
        """What could be taken back in the environment now, in the order in which that has to be done."""
        ...

    def take_back(self, uid: str, *, actor: Actor, reason: str, now: datetime) -> Back:
        """Begin to take one run back, or say how far that is: call it until it is done. It begins once.

        NotFound for a run that is not of this source, another DomainError when it cannot be taken back.
        """
        ...


_sources: list[Source] = []


def add_source(source: Source) -> None:
    _sources.append(source)


def runs(environment: str) -> list[Run]:
    """Every run that could be taken back there now."""
    return [run for source in _sources for run in source.runs(environment)]


def take_back(uid: str, *, actor: Actor, reason: str, now: datetime) -> Back:
    """Take it back by the source it is of: see Source. NotFound when no source knows it."""
    for source in _sources:
        try:
            return source.take_back(uid, actor=actor, reason=reason, now=now)
        except NotFound:
            continue
    raise NotFound(f"There is no migration run {uid!r} to take back.")
