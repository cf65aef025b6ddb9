"""Any order of people, news and clocks against what an incident promises."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from core import events
from core.errors import DomainError
from incidents import selectors
from incidents.domain.states import OPEN, IncidentState, Level
from incidents.models import Incident
from incidents.services import following, levelling, linking, opening, steering, telling, watching
from tests.incidents.conftest import ANNA, OLGA, WHERE, alert

pytestmark = pytest.mark.django_db
people = st.sampled_from([OLGA, ANNA])
which = st.integers(0, 3)


class Machine(RuleBasedStateMachine):
    """What happens, a minute or more after what happened before."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = transaction.atomic()
        self.begun.__enter__()
        self.now = datetime(2025, 8, 11, 9, 0, tzinfo=UTC)
        self.highest: dict[int, int] = {}

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.begun.__exit__(None, None, None)

    def attempt(self, call: Callable[..., Any], *arguments: Any, **more: Any) -> None:
        """What is refused changes nothing."""
        before = events.recent().count()
        try:
            call(*arguments, now=self.now, **more)
        except DomainError:
            refused = events.recent().count()
            assert refused == before

    def number(self, index: int) -> int:
        known = list(Incident.objects.order_by("-pk").values_list("pk", flat=True)[:4])
        return known[index % len(known)] if known else 0

    @rule(minutes=st.sampled_from([1, 4, 14, 31]))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        watching.watch(now=self.now)

    @rule(severity=st.sampled_from(["critical", "high", "warning"]))
    def an_alert_fires(self, severity: str) -> None:
        alert("Any", now=self.now, severity=severity)
        following.follow(now=self.now)

    @rule(level=st.integers(1, 3), separate=st.booleans(), who=people)
    def somebody_declares(self, level: int, separate: bool, who: Any) -> None:
        self.attempt(opening.declare, WHERE, "It fails", level, separate=separate, actor=who)

    @rule(index=which, who=people)
    def somebody_acknowledges(self, index: int, who: Any) -> None:
        self.attempt(steering.acknowledge, self.number(index), actor=who)

    @rule(index=which, state=st.sampled_from(list(IncidentState)), who=people)
    def somebody_moves_it(self, index: int, state: IncidentState, who: Any) -> None:
        self.attempt(steering.set_state, self.number(index), state, actor=who)

    @rule(index=which, level=st.integers(0, 4), up=st.booleans(), who=people)
    def somebody_sets_the_level(self, index: int, level: int, up: bool, who: Any) -> None:
        call = levelling.raise_level if up else levelling.lower_level
        self.attempt(call, self.number(index), level, reason="seen", actor=who)

    @rule(index=which, into=which, who=people)
    def somebody_merges(self, index: int, into: int, who: Any) -> None:
        self.attempt(linking.merge, self.number(index), self.number(into), reason="the same", actor=who)

    @rule(index=which, who=people)
    def somebody_tells(self, index: int, who: Any) -> None:
        self.attempt(telling.update, self.number(index), "We look at it", actor=who)

    @invariant()
    def it_is_as_it_promises(self) -> None:
        rows = list(Incident.objects.all())
        gathering = [row for row in rows if row.gathers and row.is_open]
        assert len(gathering) <= 1
        for row in rows:
            assert row.highest >= max(row.level, self.highest.get(row.pk, 0))
            self.highest[row.pk] = row.highest
            assert (row.state == "merged") == (row.merged_into_id is not None)
            assert row.escalate_at is None or (row.is_open and row.acknowledged_at is None)
            assert not row.is_open or row.resolved_at is None
            assert row.state not in ("resolved",) or row.mitigated_at is not None
            if row.is_open and row.acknowledged_at is None and row.level < Level.CRITICAL:
                assert row.escalate_at is not None
            levels = set(row.actions.values_list("level", flat=True))
            assert row.level in levels
            told = events.about(f"incident:{row.pk}").filter(kind__in=["incident.level_raised", "incident.opened"])
            assert max(event.data["level"] for event in told) == row.highest

    @invariant()
    def the_emergency_lane_is_open_while_a_critical_one_is(self) -> None:
        critical = Incident.objects.filter(level=3, state__in=[state.value for state in OPEN]).exists()
        assert bool(selectors.emergencies(WHERE, "nobody")) == critical


@pytest.mark.usefixtures("all_environments")
def test_any_order_of_people_news_and_clocks_keeps_the_promises() -> None:
    how = settings(max_examples=15, stateful_step_count=18, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Machine, settings=how)
