"""Any order of what people do to change requests: the rows are what a small model says they must be."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from approvals import selectors
from approvals.models import ChangeRequest
from approvals.services import applying, clock, deciding, requests
from core import events
from core.actors import Actor, ActorKind
from core.asking import ApprovalNeeded, Change
from core.errors import DomainError, Invalid
from flags import selectors as flag_selectors
from flags.domain.change import StateChange
from flags.services import approval_rules, emergency, rollout
from tests.approvals.conftest import HOUR, KEY, OTHER

PEOPLE = [Actor(name, ActorKind.PERSON) for name in ("anna", "ben", "cleo", "olga")]
LIFE = timedelta(hours=30)
person = st.sampled_from(PEOPLE)
flag = st.sampled_from([KEY, OTHER])
share = st.sampled_from([0, 10, 60, 100])
newest = st.integers(0, 2)  # people work at the last few requests


@dataclass
class Model:
    """What a request must be."""

    changes: dict[str, int]
    contributors: set[str]
    base: dict[str, int]
    needed: int
    expires_at: datetime
    state: str = "open"
    approvals: set[str] = field(default_factory=set)


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
        """Any raise takes two people; whatever is asked for besides takes one."""
        self.now = datetime(2025, 8, 11, 9, 0, tzinfo=UTC)
        self.shares: dict[str, int] = {KEY: 0, OTHER: 0}  # reach: 0 while it is off
        self.versions: dict[str, int] = {}  # of the rows: up by one with each change
        for key in self.shares:
            self._seen(key)
        self.models: dict[int, Model] = {}
        self.applied = 0
        raises = {"raise": {"above": 0, "approvals": 2, "expires_after": 30 * HOUR}}
        approval_rules.define("production", raises, actor=PEOPLE[0], reason="r", now=self.now)

    # --- what people do ---

    @rule(who=person, changes=st.dictionaries(flag, share, min_size=1))
    def open(self, who: Actor, changes: dict[str, int]) -> None:
        wanted = [self._change(key, value) for key, value in changes.items()]
        try:
            request = requests.open_request("production", wanted, title="t", reason="r", actor=who, now=self.now)
        except Invalid:
            assert not self._differs(changes)
            return
        self.models[request.pk] = Model(changes, {who.name}, {}, 0, self.now)
        self._lay(request.pk)

    @rule(nth=newest, who=person, changes=st.dictionaries(flag, share, min_size=1))
    def edit(self, nth: int, who: Actor, changes: dict[str, int]) -> None:
        pk = self._newest(nth)
        may = self._is_live(pk) and self._differs(changes)
        wanted = [self._change(key, value) for key, value in changes.items()]
        version = selectors.get(pk).version if pk in self.models else 1
        done = self._try(lambda: requests.edit(pk, changes=wanted, actor=who, now=self.now, version=version))
        assert done is may
        if may:
            self.models[pk].changes = changes
            self.models[pk].contributors.add(who.name)
            self._lay(pk)

    @rule(nth=newest, who=person)
    def refresh(self, nth: int, who: Actor) -> None:
        pk = self._newest(nth)
        may = self._is_live(pk) and self._differs(self.models[pk].changes)
        assert self._try(lambda: requests.refresh(pk, actor=who, now=self.now)) is may
        if may and self._is_stale(pk):
            self._lay(pk)

    @rule(nth=newest, who=person)
    def approve(self, nth: int, who: Actor) -> None:
        pk = self._newest(nth)
        model = self.models.get(pk)
        known = {*model.contributors, *model.approvals} if model else set()
        may = self._is_live(pk) and not self._is_stale(pk) and who.name not in known
        seen = selectors.get(pk).digest if model else ""
        assert self._try(lambda: deciding.approve(pk, digest=seen, actor=who, now=self.now)) is may
        if may and model:
            model.approvals.add(who.name)
            model.state = "approved" if len(model.approvals) >= model.needed else "open"

    @rule(nth=newest)
    def approve_by_all(self, nth: int) -> None:
        """So that enough of them are often there."""
        for who in PEOPLE:
            self.approve(nth, who)

    @rule(nth=newest, who=person)
    def apply(self, nth: int, who: Actor) -> None:
        pk = self._newest(nth)
        model = self.models.get(pk)
        may = self._is_live(pk) and not self._is_stale(pk) and model is not None and model.state == "approved"
        assert self._try(lambda: applying.apply(pk, actor=who, now=self.now)) is may
        if may and model:
            assert len(model.approvals - model.contributors) >= model.needed
            model.state, self.applied = "applied", self.applied + 1
            for key, value in model.changes.items():
                self._set(key, value)

    @rule(nth=newest, who=person, key=flag)
    def apply_after_a_change_underneath(self, nth: int, who: Actor, key: str) -> None:
        self.approve_by_all(nth)
        self.change_directly(who, key, 0)
        self.apply(nth, who)

    @rule(nth=newest, who=person, verb=st.sampled_from(["withdraw", "reject"]))
    def close(self, nth: int, who: Actor, verb: str) -> None:
        pk = self._newest(nth)
        may = self._is_live(pk) and (verb == "reject" or who.name in self.models[pk].contributors)
        call = getattr(deciding, verb)
        assert self._try(lambda: call(pk, reason="no", actor=who, now=self.now)) is may
        if may:
            self.models[pk].state = {"withdraw": "withdrawn", "reject": "rejected"}[verb]

    @rule(who=person, key=flag, value=share)
    def change_directly(self, who: Actor, key: str, value: int) -> None:
        wanted = StateChange(enabled=True, percentage=value)
        try:
            rollout.change(key, "production", wanted, actor=who, reason="r", now=self.now)
        except ApprovalNeeded:
            assert value > self.shares[key]
        else:
            assert value <= self.shares[key]
            self._set(key, value)

    @rule(who=person, key=flag)
    def disable_in_an_emergency(self, who: Actor, key: str) -> None:
        emergency.emergency_disable(key, "production", actor=who, reason="fire", now=self.now)
        self._seen(key)
        self.shares[key] = 0

    @rule(hours=st.integers(1, 20))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule()
    def tick(self) -> None:
        assert clock.tick(self.now) == 0  # nothing is scheduled
        for pk, model in self.models.items():
            if model.state in ("open", "approved") and self.now >= model.expires_at:
                model.state = "expired"
            elif self._is_live(pk) and model.approvals and self._is_stale(pk):
                model.state, model.approvals = "open", set()

    # --- what must hold ---

    @invariant()
    def flags_are_what_was_done_to_them(self) -> None:
        for key, value in getattr(self, "shares", {}).items():
            state = flag_selectors.state(key, "production")
            assert (state.percentage if state.enabled else 0) == value

    @invariant()
    def requests_are_what_was_decided(self) -> None:
        for pk, model in getattr(self, "models", {}).items():
            row = selectors.get(pk)
            assert (row.state, row.needed, set(row.contributors)) == (model.state, model.needed, model.contributors)
            if self._is_live(pk):
                counting = {word.approver for word in selectors.standing(row, self.now).counting}
                assert counting == (set() if self._is_stale(pk) else model.approvals)
        applied = events.recent().filter(kind="request.applied")
        assert applied.count() == getattr(self, "applied", 0)
        assert all(len(event.data["approved_by"]) >= 1 for event in applied)

    # --- the model ---

    def _newest(self, nth: int) -> int:
        """Its number; one that there is not when there are not so many."""
        return sorted(self.models, reverse=True)[nth] if nth < len(self.models) else 10**9

    def _change(self, key: str, value: int) -> Change:
        return Change("flag.state", key, {"enabled": True, "percentage": value})

    def _differs(self, changes: dict[str, int]) -> bool:
        states = {key: flag_selectors.state(key, "production") for key in changes}
        return any(not states[key].enabled or states[key].percentage != value for key, value in changes.items())

    def _lay(self, pk: int) -> None:
        model = self.models[pk]
        model.base = {key: self.versions[key] for key in model.changes}
        raises = any(value > self.shares[key] for key, value in model.changes.items())
        model.needed, model.expires_at = (2, self.now + LIFE) if raises else (1, self.now + timedelta(days=3))
        model.state, model.approvals = "open", set()

    def _is_live(self, pk: int) -> bool:
        model = self.models.get(pk)
        return model is not None and model.state in ("open", "approved") and self.now < model.expires_at

    def _is_stale(self, pk: int) -> bool:
        return any(self.versions[key] != seen for key, seen in self.models[pk].base.items())

    def _set(self, key: str, value: int) -> None:
        self._seen(key)
        self.shares[key] = value

    def _seen(self, key: str) -> None:
        """A change that changed nothing is none: the row's own version tells."""
        self.versions[key] = flag_selectors.state(key, "production").version

    def _try(self, call: Any) -> bool:
        before = events.recent().count()
        try:
            call()
        except DomainError:
            assert events.recent().count() == before
            return False
        return True


@pytest.mark.django_db
@pytest.mark.usefixtures("flag", "other")
def test_whatever_people_do_in_whatever_order_no_change_is_made_without_enough_other_people() -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=15,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert ChangeRequest.objects.count() == 0
