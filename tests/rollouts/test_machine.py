"""Any order of what people, the clock and the guard do to the ramps of a flag: the flag is what a small model says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from core.actors import GUARD, Actor, ActorKind
from core.errors import DomainError
from flags import selectors as flag_selectors
from flags.services import emergency, rollout
from monitoring.domain.verdict import Verdict
from rollouts.domain.states import LIVE, RampState
from rollouts.models import Ramp
from rollouts.services import clock, starting, steering
from tests.rollouts.conftest import KEY, Guard

OLGA = Actor("olga", ActorKind.PERSON)
Picture = tuple[bool, int, dict[str, Any]]


class Ramps(RuleBasedStateMachine):
    """`stack` is the flag before each step that was taken and not given back, `again` what giving back must bring."""

    guard: Guard
    given_back = 0

    @initialize()
    def begin(self) -> None:
        self.now = datetime(2025, 8, 11, 9, 0, tzinfo=UTC)
        self.stack: list[Picture] = []
        self.retaken: dict[int, Picture] = {}
        self.breach = False
        self.guard.judges(Verdict.PASS, at=self.now)
        self.start()
        self.advance()
        self.advance()

    @property
    def ramp(self) -> Ramp | None:
        return Ramp.objects.order_by("-pk").first()

    def flag(self) -> Picture:
        state = flag_selectors.state(KEY, "production")
        return state.enabled, int(state.percentage), dict(state.parameters)

    def try_to(self, command: Callable[..., Any], *args: Any, **more: Any) -> bool:
        try:
            with transaction.atomic():
                command(*args, actor=OLGA, reason="r", now=self.now, **more)
        except DomainError:
            return False
        return True

    @rule()
    def start(self) -> None:
        if self.try_to(starting.start, "atomic-phased", "production", pace=3600, soak=600):
            self.stack, self.retaken = [], {}

    @rule()
    def advance(self) -> None:
        self._step(lambda: self.ramp is not None and self.try_to(steering.advance, self.ramp.pk))

    @rule(hours=st.integers(1, 3))
    def tick(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        self.guard.judges(Verdict.BREACH if self.breach else Verdict.PASS, at=self.now)
        clock.follow(now=self.now)
        self._step(lambda: clock.advance_due(now=self.now) == 1)

    def _step(self, take: Callable[[], bool]) -> None:
        before = self.flag()
        if take():
            assert not self.breach, "never past a trigger in BREACH"
            assert before[:2] <= self.flag()[:2], "a step never takes away"
            self.stack.append(before)
            known = self.retaken.pop(len(self.stack), None)
            assert known in (None, self.flag()), "the same step after a step back restores exactly"

    @rule()
    def step_back(self) -> None:
        ramp, before = self.ramp, self.flag()
        stood = ramp is not None and self._stands(ramp)
        if ramp is None or not self.try_to(steering.step_back, ramp.pk):
            return
        Ramps.given_back += 1
        was, depth = self.stack.pop(), len(self.stack) + 1
        after = self.flag()
        assert after[:2] <= before[:2], "never up"
        assert after[2] == was[2], "the parameters go back"
        self.retaken = {depth: before} if stood else {}
        if stood:
            assert after == was, "exactly as before the step"
        ramp.refresh_from_db()
        assert ramp.state == RampState.HELD

    def _stands(self, ramp: Ramp) -> bool:
        last = ramp.steps.exclude(taken_at=None).last()
        return last is not None and self.flag()[:2] == (True, int(last.percentage))

    @rule()
    def resume(self) -> None:
        done = self.ramp is not None and self.try_to(steering.resume, self.ramp.pk)
        assert not (done and self.breach)

    @rule(hours=st.integers(1, 5))
    def move(self, hours: int) -> None:
        before = self.flag()
        if self.ramp:
            self.try_to(steering.reschedule, self.ramp.pk, self.now + timedelta(hours=hours))
        assert self.flag() == before, "another time changes nothing now"

    @rule(what=st.sampled_from(["hold", "skip", "set", "enable", "breach or pass", "guard", "roll back"]))
    def trouble(self, what: str) -> None:
        ramp = self.ramp
        if what == "hold" and ramp:
            self.try_to(steering.hold, ramp.pk)
        elif what == "skip" and ramp and self.try_to(steering.skip, ramp.pk):
            self.retaken = {}
        elif what == "set":
            self.try_to(rollout.set_rollout, KEY, "production", 4)
        elif what == "enable":
            self.try_to(rollout.enable, KEY, "production")
        elif what == "guard":
            emergency.roll_back(KEY, "production", actor=GUARD, reason="errors", now=self.now)
        elif what == "roll back" and ramp and self.try_to(steering.roll_back, ramp.pk):
            assert not self.flag()[0]
        elif what == "breach or pass":
            self.breach = not self.breach
            self.guard.judges(Verdict.BREACH if self.breach else Verdict.PASS, at=self.now)

    @invariant()
    def there_is_one_live_ramp_at_most_and_its_position_counts_its_steps(self) -> None:
        assert Ramp.objects.filter(state__in=LIVE).count() <= 1
        for ramp in Ramp.objects.all():
            done = [bool(step.taken_at or step.skipped_at) for step in ramp.steps.all()]
            assert done == [True] * ramp.position + [False] * (len(done) - ramp.position)
            assert ramp.state not in LIVE or ramp.position < len(done), "a live ramp has a step left"


@pytest.mark.django_db
def test_ramps_in_any_order_of_events(template: object, guard: Guard) -> None:
    def fresh() -> Ramps:
        Ramp.objects.all().delete()
        rollout.change(
            KEY,
            "production",
            rollout.StateChange(enabled=True, percentage=0, parameters={}),
            actor=OLGA,
            reason="r",
            now=datetime(2025, 8, 11, 9, 0, tzinfo=UTC),
        )
        machine = Ramps()
        machine.guard = guard
        return machine

    how = settings(max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(fresh, settings=how)
    assert Ramps.given_back, "it was not about steps back at all"
