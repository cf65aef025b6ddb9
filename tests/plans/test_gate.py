"""What must be true before a phase starts: unknown is never as good as met, and nobody waives it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Conflict
from core.requirements import Standing
from plans.domain import gate
from plans.domain.gate import ChecklistFact, Facts, Needs, WaiverFact
from plans.domain.states import PhaseState, PlanState
from risk.domain.levels import Level

NOW = datetime(2026, 3, 9, 9, 0, tzinfo=UTC)
NEEDS = Needs(after=("a",), checklists=("l",), flags=("f",), risk=Level.MEDIUM, validation=24, approval=True)
GOOD = Facts(
    plan=PlanState.RUNNING,
    phases={"a": ("A", PhaseState.COMPLETED)},
    checklists={"l": ChecklistFact("l", "List", 3, 3)},
    risk=(Level.LOW, NOW),
    validated=(True, NOW - timedelta(hours=1)),
    guard_seen_at=NOW - timedelta(seconds=5),
    flags={"f": Decimal(100)},
    approved_by="anna",
)


def with_(**changes: Any) -> Facts:
    return Facts(**{**{name: getattr(GOOD, name) for name in GOOD.__slots__}, **changes})


def test_all_is_met_and_the_gate_is_open() -> None:
    found = gate.before_start(NEEDS, GOOD, now=NOW)
    assert [each.key for each in found] == [
        "plan",
        "phase:a",
        "checklist:l",
        "flag:f",
        "guard",
        "freeze",
        "risk",
        "validation",
        "approval",
    ]
    assert {each.standing for each in found} == {Standing.MET}
    gate.require(found, "To start")


@pytest.mark.parametrize(
    ("key", "standing", "facts"),
    [
        ("plan", Standing.UNMET, {"plan": PlanState.PAUSED}),
        ("phase:a", Standing.UNMET, {"phases": {"a": ("A", PhaseState.ROLLED_BACK)}}),
        ("checklist:l", Standing.UNMET, {"checklists": {"l": ChecklistFact("l", "List", 2, 3)}}),
        ("checklist:l", Standing.UNMET, {"checklists": {"l": ChecklistFact("l", "List", 1, 3, unknown=1)}}),
        ("checklist:l", Standing.UNKNOWN, {"checklists": {"l": ChecklistFact("l", "List", 2, 3, unknown=1)}}),
        ("flag:f", Standing.UNMET, {"flags": {"f": Decimal(99)}}),
        ("flag:f", Standing.UNKNOWN, {"flags": {}}),
        ("guard", Standing.UNKNOWN, {"guard_seen_at": None}),
        ("guard", Standing.UNKNOWN, {"guard_seen_at": NOW - timedelta(seconds=61)}),
        ("guard", Standing.UNMET, {"triggers": ["Error rate has fired"]}),
        ("freeze", Standing.UNMET, {"frozen": "Frozen until Monday."}),
        ("risk", Standing.UNKNOWN, {"risk": None}),
        ("risk", Standing.UNKNOWN, {"risk": (None, NOW)}),
        ("risk", Standing.UNKNOWN, {"risk": (Level.LOW, NOW - timedelta(minutes=6))}),
        ("risk", Standing.UNMET, {"risk": (Level.HIGH, NOW)}),
        ("validation", Standing.UNMET, {"validated": None}),
        ("validation", Standing.UNMET, {"validated": (False, NOW)}),
        ("validation", Standing.UNMET, {"validated": (True, NOW - timedelta(hours=25))}),
        ("approval", Standing.UNMET, {"approved_by": ""}),
    ],
)
def test_each_requirement_alone_closes_it_and_says_why(key: str, standing: Standing, facts: dict[str, Any]) -> None:
    found = gate.before_start(NEEDS, with_(**facts), now=NOW)
    closed = {each.key: each for each in found if not each.open}
    assert closed.keys() == {key}
    assert closed[key].standing is standing
    assert closed[key].remedy
    with pytest.raises(Conflict, match=closed[key].title):
        gate.require(found, "To start")


FACTS = st.fixed_dictionaries(
    {
        "plan": st.sampled_from(PlanState),
        "phases": st.sampled_from(PhaseState).map(lambda state: {"a": ("A", state)}),
        "checklists": st.tuples(st.integers(0, 3), st.integers(0, 3)).map(
            lambda n: {"l": ChecklistFact("l", "List", n[0], 3, unknown=min(n[1], 3 - n[0]))}
        ),
        "risk": st.none() | st.tuples(st.none() | st.sampled_from(Level), st.just(NOW)),
        "validated": st.none() | st.tuples(st.booleans(), st.just(NOW)),
        "guard_seen_at": st.none() | st.just(NOW),
        "triggers": st.sampled_from([[], ["x has fired"]]),
        "approved_by": st.sampled_from(["", "anna"]),
    }
)


@given(FACTS, st.sampled_from([-1, 1]))
def test_waivers_of_everything_open_only_what_is_known_and_only_while_they_last(
    facts: dict[str, Any], hours: int
) -> None:
    bare = gate.before_start(NEEDS, with_(**facts), now=NOW)
    waivers = {each.key: WaiverFact("anna", "It is fine.", NOW + timedelta(hours=hours)) for each in bare}
    for before, after in zip(bare, gate.before_start(NEEDS, with_(**facts, waivers=waivers), now=NOW), strict=True):
        if before.standing is Standing.UNMET and before.key not in ("plan", "approval") and hours > 0:
            assert after.standing is Standing.WAIVED
            assert "It is fine." in after.why
        else:
            assert after == before
