"""The table of the ramp's states, all pairs of it."""

from __future__ import annotations

from itertools import product

import pytest

from core.errors import IllegalMove
from rollouts.domain.states import LIVE, MACHINE, MOVING, RampState

ALLOWED = {
    ("planned", "running"),
    ("planned", "held"),
    ("planned", "completed"),  # every step skipped before the start
    ("planned", "rolled_back"),
    ("running", "held"),
    ("running", "completed"),
    ("running", "rolled_back"),
    ("held", "planned"),  # held before its start, and resumed before it
    ("held", "running"),
    ("held", "rolled_back"),
    ("completed", "held"),  # its last step given back
}


@pytest.mark.parametrize(("current", "target"), list(product(RampState, RampState)))
def test_a_ramp_moves_along_the_table_and_no_other_way(current: RampState, target: RampState) -> None:
    if (current.value, target.value) in ALLOWED:
        assert MACHINE.move(current, target) is target
    else:
        with pytest.raises(IllegalMove, match=f"that is {current} cannot become {target}"):
            MACHINE.move(current, target)


def test_what_has_ended_moves_no_more_by_itself_and_the_clock_looks_only_at_what_moves() -> None:
    assert set(RampState) - set(LIVE) == {RampState.COMPLETED, RampState.ROLLED_BACK}
    assert all(MACHINE.moves[state].isdisjoint(MOVING) for state in set(RampState) - set(LIVE))
    assert set(LIVE) - set(MOVING) == {RampState.HELD}
