"""A process that is killed between two writes of an apply leaves either all of it behind, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from approvals import selectors
from approvals.models import ChangeRequest
from approvals.services import applying, clock
from core import events
from core.asking import Change
from core.errors import Conflict
from flags import selectors as flag_selectors
from tests.approvals.conftest import KEY, OLGA, OTHER, Ask, approve, raised
from tests.rollouts.test_sigkill import killed_at

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]


def picture(request: ChangeRequest) -> tuple[Any, ...]:
    row = selectors.get(request.pk)
    states = [flag_selectors.state(key, "production") for key in (KEY, OTHER)]
    return (
        (row.state, row.version, row.applied_at),
        [(state.enabled, state.percentage, state.allow_count, state.version) for state in states],
        flag_selectors.configuration_versions()["production"],
        events.recent().count(),
    )


@pytest.mark.parametrize("by_clock", [False, True])
def test_an_apply_that_is_killed_at_any_write_has_done_nothing_and_can_be_done_again(
    by_clock: bool, ask: Ask, now: datetime
) -> None:
    due = now + timedelta(minutes=5) if by_clock else None
    allow = Change("flag.allow_list", KEY, {"add": ["npub1a", "npub1b"]})
    request = ask(raised(50), allow, raised(30, OTHER), apply_at=due)
    approve(request, now=now)
    later = now + timedelta(minutes=6)
    command: Callable[[], Any] = lambda: applying.apply(request.pk, actor=OLGA, now=later)  # noqa: E731
    if by_clock:
        command = lambda: clock.tick(later)  # noqa: E731
    before, write = picture(request), 1
    while killed_at(write, command):
        assert picture(request) == before, f"killed at write {write}"
        write += 1
        assert write < 60

    assert write > 8, "it wrote many rows"
    after = picture(request)
    assert after[0][0] == "applied"
    assert [flag[1] for flag in after[1]] == [50, 30]
    with pytest.raises(Conflict, match="is applied"):
        applying.apply(request.pk, actor=OLGA, now=later)
    assert (clock.tick(later), picture(request)) == (0, after)
