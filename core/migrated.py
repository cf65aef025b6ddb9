"""Runs of migrations of nctool's database: the app that makes them says which there are, a rollback takes them back.

A source is registered as with core.beside: the app that runs migrations is below the one that rolls back, and need
not know it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from core.actors import Actor
from core.errors import NotFound


@dataclass(frozen=True, slots=True)
class Run:
    """One run that can be taken back. `uid` tells it apart for good; `documents` is how many it has changed."""

    uid: str
    title: str
    documents: int


class Source(Protocol):
    """Who runs migrations."""

    def runs(self, environment: str) -> Sequence[Run]:
        """What could be taken back in the environment now, in the order in which that has to be done."""
        ...

    def take_back(self, uid: str, *, actor: Actor, reason: str) -> str:
        """Take one run back, outside any transaction, and say what was done.

        It may be called again after a crash, and then goes on or finds it done. DomainError when it cannot.
        """
        ...


_sources: list[Source] = []


def add_source(source: Source) -> None:
    _sources.append(source)


def runs(environment: str) -> list[Run]:
    """Every run that could be taken back there now."""
    return [run for source in _sources for run in source.runs(environment)]


def take_back(uid: str, environment: str, *, actor: Actor, reason: str) -> str:
    """Take it back by the source it is of; NotFound when no source has it (any more)."""
    for source in _sources:
        if any(run.uid == uid for run in source.runs(environment)):
            return source.take_back(uid, actor=actor, reason=reason)
    raise NotFound(f"There is no migration run {uid!r} to take back in {environment}.")
