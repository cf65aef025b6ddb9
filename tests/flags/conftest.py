"""A holder over the test's database, without a thread of its own unless the test starts it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.actors import Actor
from flags.adapters.disk import DiskCopy
from flags.services import tokens
from flags.services.holding import Holder


@pytest.fixture
def copy(tmp_path: Path) -> DiskCopy:
    return DiskCopy(tmp_path / "kept" / "snapshot")


@pytest.fixture
def make_holder(copy: DiskCopy) -> Iterator[Callable[..., Holder]]:
    """Makes holders that share one copy on disk, as the processes of one machine do."""
    made: list[Holder] = []

    def make(poll_seconds: float = 60) -> Holder:
        made.append(Holder(copy, poll_seconds=poll_seconds))
        return made[-1]

    yield make
    for holder in made:
        holder.stop()


@pytest.fixture
def holder(make_holder: Callable[..., Holder]) -> Holder:
    return make_holder()


@pytest.fixture
def token(flag: object, operator_actor: Actor, now: object) -> str:
    """The text of a token that may do everything in production."""
    _, text = tokens.create("nctool", "production", ["evaluate", "report", "operate"], actor=operator_actor, now=now)
    return text
