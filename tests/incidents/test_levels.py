"""The levels of the seed, and what buckets say for sure. Pure."""

from __future__ import annotations

import random

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from core.errors import IllegalMove, Invalid
from incidents.domain import causes, document, looks, telling
from incidents.domain.causes import News
from incidents.domain.levels import SEED, Measured, Policy, level_of, policies, title_of
from incidents.domain.states import MACHINE, OPEN, IncidentState, Level
from nctool_rollout.playbook.responding import policy_of
from nctool_rollout.playbook.validation import load_text

POLICIES = policies({})
UNTIL = 1_754_900_000


@pytest.mark.parametrize(
    ("measured", "level"),
    [
        ({"error_rate": 0.999}, None),
        ({"error_rate": 1.0}, 1),
        ({"error_rate": 2.999}, 1),
        ({"error_rate": 3.0}, 2),
        ({"error_rate": 5.0}, 2),
        ({"error_rate": 5.001}, 3),
        ({"response_time": 2999.0}, None),
        ({"response_time": 3000.0}, 1),
        ({"response_time": 5000.0}, 1),
        ({"response_time": 5001.0}, 2),
        ({"complaints": 5}, None),
        ({"complaints": 6}, 2),
        ({"unavailable": True}, 3),
        ({"unavailable": False}, None),
        ({"corruption": True}, 3),
        ({"error_rate": 1.5, "response_time": 6000.0}, 2),
        ({}, None),
    ],
)
def test_a_level_begins_where_the_plan_says(measured: dict[str, float], level: int | None) -> None:
    found, why = level_of(Measured(**measured), POLICIES)
    assert found == level
    assert bool(why) == (level is not None)


def test_a_level_says_everything_that_reaches_it() -> None:
    _, why = level_of(Measured(error_rate=7.25, unavailable=True), POLICIES)
    assert why == "Error rate 7.25 %: level 3 begins above 5 %; The system does not answer."


def test_an_incident_is_called_by_what_is_wrong_not_by_its_number() -> None:
    assert title_of(Measured(error_rate=4.0, response_time=9000.0), POLICIES[Level.MAJOR]) == "High error rate"
    assert (
        title_of(Measured(error_rate=9.0, unavailable=True), POLICIES[Level.CRITICAL]) == "The system does not answer"
    )


def test_the_action_lists_are_those_of_the_plan_word_for_word() -> None:
    lists = {level.value: [todo.action for todo in POLICIES[level].actions] for level in Level}
    assert lists == {
        1: ["Increase monitoring frequency", "Alert development team", "Prepare rollback plan"],
        2: [
            "Disable problematic features",
            "Scale infrastructure",
            "Notify stakeholders",
            "Prepare immediate rollback",
        ],
        3: [
            "Execute immediate rollback",
            "Activate incident response team",
            "Communicate with users",
            "Investigate root cause",
        ],
    }
    assert [POLICIES[level].escalation_minutes for level in Level] == [30, 15, 0]
    assert all(Policy.read(level, SEED[level]).as_dict() == SEED[level] for level in Level)


def test_the_playbook_has_the_levels_of_the_plan() -> None:
    file = "playbooks/nctool-v2.yaml"
    playbook, _ = load_text((settings.BASE_DIR / file).read_text(), file=file)
    found = {key: policy_of(key, level) for key, level in playbook.incidents.items()}
    chains = dict(zip(Level, ("minor", "major", "critical"), strict=True))  # of its own section onCall
    assert found == {f"level{level.value}": {**SEED[level], "chain": chains[level]} for level in Level}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"error_rate": {"from": 1, "above": 2}}, "error_rate"),
        ({"error_rate": {"from": float("nan")}}, "error_rate"),
        ({"actions": []}, "actions"),
        ({"actions": [{"action": "Pray", "does": "pray"}]}, "actions"),
        ({"escalation_minutes": 1.5}, "escalation_minutes"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_level_that_cannot_be_is_refused_with_its_field(wrong: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        Policy.read(Level.MINOR, {**SEED[Level.MINOR], **wrong})
    assert refusal.value.field == field


def line(per_bucket: float, *, seconds: int = 300) -> looks.Sums:
    return {UNTIL - back: (1.0, per_bucket) for back in range(10, seconds + 1, 10)}


def test_a_large_fault_is_known_after_three_looks_of_ten_seconds() -> None:
    failing = line(20.0, seconds=30)
    seen = looks.rate(line(100.0), failing, until=UNTIL)
    assert seen is not None
    assert (seen.seconds, seen.samples, seen.value) == (30, 300, 20.0)
    assert 12 < seen.at_least < 13
    assert looks.rate(line(100.0), line(20.0, seconds=20), until=UNTIL).at_least < 1  # type: ignore[union-attr]


def test_too_few_melts_say_nothing_and_a_small_fault_needs_more_of_them() -> None:
    assert looks.rate(line(9.0), line(9.0), until=UNTIL) is None
    slow = looks.rate(line(100.0), line(2.0), until=UNTIL)  # 2 % of 10 a second
    assert slow is not None
    assert (slow.seconds, slow.value) == (300, 2.0)
    assert slow.at_least == pytest.approx(1.2, abs=0.02)


@given(st.lists(st.tuples(st.integers(0, 400), st.floats(0, 1)), min_size=30, max_size=30))
def test_what_is_sure_is_never_more_than_what_was_measured(buckets: list[tuple[int, float]]) -> None:
    operations = {UNTIL - 10 * (at + 1): (1.0, float(n)) for at, (n, _) in enumerate(buckets)}
    errors = {UNTIL - 10 * (at + 1): (1.0, float(int(n * share))) for at, (n, share) in enumerate(buckets)}
    seen = looks.rate(operations, errors, until=UNTIL)
    if seen is not None:
        assert 0 <= seen.at_least <= seen.value <= 100


@pytest.mark.parametrize(
    ("a_second", "percent", "known"),
    [
        (100, 8, {3: 30}),
        (10, 20, {3: 30}),
        (10, 8, {2: 30, 3: 90}),
        (10, 4, {1: 30}),
        (10, 2, {1: 290}),
        (1, 50, {1: 210, 3: 220}),
        (0.9, 50, {}),
    ],
)
def test_a_fault_is_known_as_soon_as_the_page_says(a_second: float, percent: float, known: dict[int, int]) -> None:
    """The table of docs/incidents.md: after five minutes at 0.2 %."""
    operations = {UNTIL + at: (1.0, a_second * 10) for at in range(-300, 600, 10)}
    errors = {at: (1.0, n * (percent if at >= UNTIL else 0.2) / 100) for at, (_, n) in operations.items()}
    found: dict[int, int] = {}
    for seconds in range(10, 601, 10):
        seen = looks.rate(operations, errors, until=UNTIL + seconds)
        level, _ = level_of(Measured(error_rate=seen.at_least if seen else None), POLICIES)
        if level is not None:
            found.setdefault(level.value, seconds)
    assert found == known


def test_a_service_at_exactly_one_percent_is_hardly_ever_at_level_one() -> None:
    """Two days of ten melts a second, looked at every ten seconds: chance alone opens next to nothing."""
    chance = random.Random(8)
    operations, errors, alarms, last = {}, {}, 0, -900
    for at in range(0, 2 * 86_400, 10):
        operations[at] = (1.0, 100.0)
        errors[at] = (1.0, float(sum(chance.random() < 0.01 for _ in range(100))))
        seen = looks.rate(operations, errors, until=at + 10)
        if seen is not None and seen.at_least >= 1.0:
            alarms, last = alarms + (at - last >= 900), at
    assert alarms <= 1


def test_only_a_minute_of_tries_that_all_fail_is_unavailable() -> None:
    down = {UNTIL - back: (1.0, 0.0) for back in range(10, 61, 10)}
    assert looks.silent(down, until=UNTIL) is True
    assert looks.silent({**down, UNTIL - 40: (1.0, 1.0)}, until=UNTIL) is False
    assert looks.silent({UNTIL - 10: (1.0, 0.0)}, until=UNTIL) is None
    assert looks.silent({}, until=UNTIL) is None


@pytest.mark.parametrize(
    ("kind", "data", "level"),
    [
        ("trigger.fired", {"evidence": {"measure": "ratio", "value": 5.5}}, 3),
        ("trigger.fired", {"evidence": {"measure": "ratio", "value": 0.7}}, 2),
        ("trigger.fired", {"evidence": {"measure": "start", "value": 100}}, 3),
        ("trigger.fired", {}, 2),
        ("flag.emergency_disabled", {}, 2),
        ("alert.firing", {"severity": "critical"}, 2),
        ("alert.firing", {"severity": "high"}, 1),
        ("alert.firing", {"severity": "warning"}, None),
        ("risk.level_raised", {"severity": "critical"}, 2),
        ("risk.level_raised", {"severity": "high"}, 1),
        ("migration.failed", {}, 2),
        ("migration.rollback_failed", {}, 3),
        ("migration.differs", {}, 3),
        ("rollback.requested", {}, None),
    ],
)
def test_an_event_opens_at_its_level(kind: str, data: dict[str, object], level: int | None) -> None:
    assert causes.level(News(kind, "trigger:error-rate", "why", data), POLICIES) == level


def test_a_migration_whose_validation_failed_is_wrong_data() -> None:
    failed = News("migration.failed", "migration:m1", "The validation failed: balances: off by 2", {})
    assert causes.level(failed, POLICIES) is Level.CRITICAL


def test_those_outside_are_told_only_what_was_written_for_them() -> None:
    told = telling.texts("npub1abc loses money", {"users": "Payments are slow.", "management": "  "})
    assert told["users"] == "Payments are slow."
    assert "partners" not in told
    assert told["management"] == told["developmentTeam"] == told["operationsTeam"] == "npub1abc loses money"
    with pytest.raises(Invalid, match="audience"):
        telling.texts("x", {"press": "y"})
    with pytest.raises(Invalid, match="what is known"):
        telling.texts(" ", {})


@given(st.sampled_from(list(IncidentState)), st.sampled_from(list(IncidentState)))
def test_an_incident_that_is_over_stays_so(current: IncidentState, target: IncidentState) -> None:
    if current in (IncidentState.CLOSED, IncidentState.MERGED):
        with pytest.raises(IllegalMove):
            MACHINE.move(current, target)
    if current not in OPEN and target in OPEN and target in MACHINE.moves[current]:
        assert (current, target) == (IncidentState.RESOLVED, IncidentState.INVESTIGATING)


def test_nothing_that_somebody_wrote_becomes_markup_of_the_document() -> None:
    assert document.plain("# [x](javascript:1)\n<b> | `y`") == r"\# \[x\](javascript:1) \<b\> \| \`y\`"
