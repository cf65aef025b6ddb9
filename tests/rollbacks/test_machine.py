"""Any order of what people, workers and the cluster do to rollbacks: the rows are what a small model says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

import flags.selectors
from core import events
from core.actors import GUARD, Actor, ActorKind
from core.errors import DomainError
from flags.services import emergency
from rollbacks import selectors
from rollbacks.adapters.ports import Place
from rollbacks.domain.deployment import ClusterError, Deployed, Pod, Revision
from rollbacks.models import Rollback
from rollbacks.services import applications, deciding, mending, requesting, running
from rollouts.services import validation
from tests.rollbacks.conftest import KEY, OLGA, WHERE, all_pass, switch_on

PEOPLE = [Actor(name, ActorKind.PERSON) for name in ("anna", "ben", "olga")]
person = st.sampled_from(PEOPLE)


@dataclass
class Memory:
    """A cluster that is only here. Every undo that it does is counted."""

    live: str = "v3"
    numbers: dict[str, int] = field(default_factory=lambda: {"v1": 1, "v2": 2, "v3": 3})
    fault: str = ""
    ready: bool = True
    undone: int = 0

    def __call__(self, place: Place) -> Memory:
        return self

    def look(self) -> Deployed:
        if self.fault == "look":
            raise ClusterError("no route to host")
        revisions = (Revision(number, name, name, f"rs-{name}") for name, number in self.numbers.items())
        history = tuple(sorted(revisions, key=lambda each: -each.number))
        return Deployed("d1", self.live, self.live, history, False, 2, 2 if self.ready else 0, self.ready)

    def undo(self, revision: int) -> str:
        if self.fault == "undo":
            raise ClusterError("forbidden")
        name = next(name for name, number in self.numbers.items() if number == revision)
        assert name != self.live, "an undo to what is live already"
        self.live, self.undone = name, self.undone + 1
        self.numbers[name] = max(self.numbers.values()) + 1
        if self.fault == "answer":
            raise ClusterError("unexpected EOF")
        return "rolled back"

    def status(self, *, timeout: int, watch: float) -> str | None:
        return "rolled out" if self.ready else None

    def pods(self) -> list[Pod]:
        return [Pod("p", "Running", self.ready, self.live)]

    def by_hand(self, revision: int | None) -> Sequence[str]:
        return ["kubectl"]


@dataclass
class Model:
    """What a rollback must be. `seen` is the percentage of its plan; 0: the flag was off then."""

    asked_by: str
    application: bool
    expires_at: datetime
    state: str = "requested"


class Machine(RuleBasedStateMachine):
    """Each run is in a transaction of its own, which is rolled back."""

    def __init__(self) -> None:
        super().__init__()
        self.run = transaction.atomic()
        self.run.__enter__()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.run.__exit__(None, None, None)

    @initialize()
    def begin(self) -> None:
        self.now = datetime(2025, 8, 11, 9, 0, tzinfo=UTC)
        self.cluster = Memory()
        self.models: dict[str, Model] = {}
        self.confirmed = 0
        applications.define("production", WHERE, actor=OLGA, reason="tests", now=self.now)
        switch_on(KEY, 25, now=self.now)

    # --- what people do ---

    @rule(who=person, application=st.booleans())
    def request(self, who: Actor, application: bool) -> None:
        named: dict[str, Any] = {} if application else {"flag": KEY}
        component = "application" if application else "feature"
        try:
            row = requesting.request(
                "production", component, **named, reason="r", actor=who, now=self.now, connect=self.cluster
            )
        except DomainError:
            return
        self.models[row.public_id] = Model(who.name, application, row.expires_at)

    @rule(nth=st.integers(0, 2), who=person)
    def confirm(self, nth: int, who: Actor) -> None:
        row = self._newest(nth)
        if row is None:
            return
        model = self.models[row.public_id]
        before = told("flag.rolled_back")
        was_on = flags.selectors.state(KEY, "production").enabled
        try:
            deciding.confirm(row.public_id, digest=row.digest, actor=who, now=self.now, connect=self.cluster)
        except DomainError:
            after = selectors.get(row.public_id)
            assert (after.state, told("flag.rolled_back")) in (
                (model.state, before),
                ("refused", before),
            )
            model.state = after.state
            return
        assert (model.state, who.name != model.asked_by, self.now < model.expires_at) == ("requested", True, True)
        assert not any(other.state in ("running", "stopped") for other in self.models.values())
        assert not flags.selectors.state(KEY, "production").enabled, "off when the confirmation returns"
        assert told("flag.rolled_back") == before + was_on
        model.state, self.confirmed = "running", self.confirmed + 1

    @rule(application=st.booleans(), ticks=st.integers(0, 6))
    def ask_confirm_and_run(self, application: bool, ticks: int) -> None:
        """So that many of them get far."""
        switch_on(KEY, 25, now=self.now)
        self.request(PEOPLE[0], application)
        self.confirm(0, PEOPLE[1])
        for _ in range(ticks):
            self.tick(5)

    @rule(nth=st.integers(0, 2), who=person)
    def refuse(self, nth: int, who: Actor) -> None:
        row = self._newest(nth)
        if row is not None and self._try(lambda: deciding.refuse(row.public_id, reason="no", actor=who, now=self.now)):
            assert self.models[row.public_id].state == "requested"
            self.models[row.public_id].state = "refused"

    @rule(verb=st.sampled_from(["retry", "skip", "abort", "record"]), who=person)
    def mend(self, verb: str, who: Actor) -> None:
        for public_id, model in self.models.items():
            command: Callable[..., Rollback] = getattr(mending, verb)
            words = {"retry": {}, "record": {"result": "done"}}.get(verb, {"reason": "r"})
            failed = selectors.failed_step(selectors.get(public_id))
            if self._try(lambda: command(public_id, **words, actor=who, now=self.now)):  # noqa: B023 -- called at once
                assert model.state == "stopped"
                assert failed is not None
                assert not (verb == "skip" and failed.kind == "flags")
                model.state = selectors.get(public_id).state
                assert model.state == {"abort": "aborted"}.get(verb, model.state)

    # --- what happens to them ---

    @rule(percentage=st.sampled_from([10, 25, 50]))
    def switch_the_flag_on(self, percentage: int) -> None:
        switch_on(KEY, percentage, now=self.now)

    @rule()
    def the_guard_rolls_back(self) -> None:
        emergency.roll_back(KEY, "production", actor=GUARD, reason="errors", now=self.now)

    @rule(fault=st.sampled_from(["", "", "look", "undo", "answer"]), ready=st.booleans())
    def the_cluster_changes(self, fault: str, ready: bool) -> None:
        self.cluster.fault, self.cluster.ready = fault, ready

    @rule()
    def somebody_deploys(self) -> None:
        new = f"v{len(self.cluster.numbers) + 1}"
        self.cluster.live = new
        self.cluster.numbers[new] = max(self.cluster.numbers.values()) + 1

    @rule(seconds=st.sampled_from([5, 5, 40, 400, 4000]))
    def tick(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        running.advance(clock=lambda: self.now, connect=self.cluster)
        validation.run_due(now=self.now, every=timedelta(0), apart=all_pass)
        running.advance(clock=lambda: self.now, connect=self.cluster)
        deciding.watch(now=self.now, connect=self.cluster)
        for public_id, model in self.models.items():
            after = selectors.get(public_id).state
            assert after in {
                "requested": ("requested", "expired", "refused"),
                "running": ("running", "stopped", "done"),
            }.get(model.state, (model.state,))
            if model.state == "requested":
                assert (after == "expired") <= (self.now >= model.expires_at)
            model.state = after

    # --- what must hold ---

    @invariant()
    def rollbacks_are_what_was_decided(self) -> None:
        for public_id, model in getattr(self, "models", {}).items():
            row = selectors.get(public_id)
            assert row.state == model.state
            steps = list(row.steps.all())
            assert bool(steps) is bool(row.confirmed_at)
            over = [step.state in ("done", "skipped") for step in steps]
            assert over == sorted(over, reverse=True), "in their order"
            failed = [step for step in steps if step.state == "failed"]
            assert len(failed) == (row.state in ("stopped", "aborted"))
            assert (row.state == "done") is (bool(steps) and all(over))

    @invariant()
    def nobody_confirmed_his_own_and_everything_is_told_once(self) -> None:
        models = getattr(self, "models", {})
        for public_id, model in models.items():
            row = selectors.get(public_id)
            assert row.confirmed_by != model.asked_by
            kinds = list(events.about(f"rollback:{public_id}").values_list("kind", flat=True))
            assert kinds.count("rollback.requested") == 1
            assert kinds.count("rollback.confirmed") == bool(row.confirmed_at)
            assert kinds.count("rollback.completed") == (row.state == "done")
            done = sum(step.state == "done" for step in row.steps.all())
            assert kinds.count("rollback.step_done") == done
        assert getattr(self, "confirmed", 0) == told("rollback.confirmed")
        confirmed = [model for model in models.values() if model.application]
        if models:
            assert self.cluster.undone <= len(confirmed), "at most one undo for each rollback of the application"

    # --- the model ---

    def _newest(self, nth: int) -> Rollback | None:
        known = sorted(self.models, key=lambda public_id: selectors.get(public_id).pk, reverse=True)
        return selectors.get(known[nth]) if nth < len(known) else None

    def _try(self, call: Callable[[], Any]) -> bool:
        before = events.recent().count()
        try:
            call()
        except DomainError:
            assert events.recent().count() == before
            return False
        return True


def told(kind: str) -> int:
    return events.recent().filter(kind=kind).count()


@pytest.mark.django_db
@pytest.mark.usefixtures("flag")
def test_whatever_happens_in_whatever_order_no_rollback_is_done_twice_or_without_a_second_person() -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=20,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert Rollback.objects.count() == 0
