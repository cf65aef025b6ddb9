"""Any order of what people, the guard and the clock do to a plan: a phase begins and ends through its gate alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

import flags.selectors
from core import heartbeats
from core.actors import Actor, ActorKind
from core.errors import DomainError
from flags.domain.change import StateChange
from flags.services import rollout
from monitoring.domain.verdict import Verdict
from monitoring.models import Trigger
from plans import selectors
from plans.domain.states import DONE, ItemState, PhaseState
from plans.models import Item, Plan, Waiver
from plans.services import items, measuring, phases, plans
from rollouts.models import Block, ValidationRun
from tests.conftest import KEY
from tests.plans.conftest import item, phase, validated

PEOPLE = (Actor("olga", ActorKind.PERSON), Actor("anna", ActorKind.PERSON))
KEYS = st.sampled_from(["first", "second"])
WHO = st.sampled_from(PEOPLE)
ITEMS = ("Reviewed", "Backed up", "Deploy", "Smoke tests", "All works", "Look")
BY_HAND = st.sampled_from(ITEMS)
TROUBLES = ("roll back", "approve", "waive", "mark", "validation fails", "breach", "wait", "pause", "resume")
NEEDED = ("plan", "guard", "lists", "validation", "approval", "flag")
FRESH, DAY = timedelta(seconds=60), timedelta(days=1)


class Plans(RuleBasedStateMachine):
    """What may happen is said a second time here, from plain rows, without the gate."""

    plan: Plan
    begun: datetime
    walked = 0

    @initialize()
    def begin(self) -> None:
        self.now = self.begun
        self.seen = self.begun

    def did(self, command: Callable[..., Any], *args: Any, actor: Actor = PEOPLE[0], **more: Any) -> bool:
        try:
            with transaction.atomic():
                command(*args, actor=actor, now=self.now, **more)
        except DomainError:
            return False
        return True

    def is_done(self, checklist: str) -> bool:
        rows = Item.objects.filter(checklist__plan=self.plan, checklist__key=checklist)
        return all(ItemState(row.state) in DONE for row in rows)

    def may_pass(self, key: str, checklist: str) -> bool:
        """A waiver lets a list pass, but not one of which only what nobody measured is left."""
        left = Item.objects.filter(checklist__key=checklist).exclude(state__in=[state.value for state in DONE])
        known = [row for row in left if row.state == "FAILED" or not row.check_of]
        return bool(known) and self.waived(key, f"checklist:{checklist}")

    def waived(self, key: str, requirement: str) -> bool:
        found = Waiver.objects.filter(phase=phase(key), requirement=requirement).order_by("-pk").first()
        return found is not None and found.expires_at > self.now

    def calm(self) -> bool:
        return self.now - self.seen <= FRESH

    def may_start(self, key: str, actor: Actor) -> bool:
        row, running = phase(key), Plan.objects.get().state == "running"
        breach = Trigger.objects.get().verdict == Verdict.BREACH
        open_ = running and self.calm() and (not breach or self.waived(key, "guard"))
        if key == "first":
            lists = self.is_done("before") or self.waived(key, "checklist:before")
            return open_ and lists and row.approved_by != actor.name and row.state in ("waiting", "rolled_back")
        newest = ValidationRun.objects.order_by("-started_at", "-pk").first()
        valid = newest is not None and newest.success and self.now - newest.finished_at <= DAY
        after = phase("first").state == "completed" or self.waived(key, "phase:first")
        approved = row.approved_by and row.approved_by != actor.name
        met = open_ and after and (valid or self.waived(key, "validation")) and approved
        return bool(met) and row.state in ("waiting", "rolled_back")

    def may_complete(self, key: str) -> bool:
        running = Plan.objects.get().state == "running"
        lists = [f"{key}.activities", f"{key}.criteria"] if key == "first" else [f"{key}.criteria"]
        done = all(self.is_done(each) or self.may_pass(key, each) for each in lists)
        return running and done and phase(key).state == "active"

    @rule(key=KEYS, actor=WHO)
    def start(self, key: str, actor: Actor) -> None:
        expected = self.may_start(key, actor)
        assert self.did(phases.start, phase(key).pk, actor=actor, reason="r") == expected
        Plans.walked += int(expected)

    @rule(key=KEYS)
    def complete(self, key: str) -> None:
        expected = self.may_complete(key)
        assert self.did(phases.complete, phase(key).pk, reason="r") == expected
        Plans.walked += int(expected)

    @rule(key=KEYS, without=st.sampled_from(["", *NEEDED]))
    def prepare(self, key: str, without: str) -> None:
        """Where nothing is left out it is gone through at once: in some runs chance alone hardly came so far."""
        self.provide(key, without)
        if not without:
            self.start(key, PEOPLE[0])
            self.complete(key)

    def provide(self, key: str, without: str) -> None:
        """Everything that a phase asks for, but one thing; then whoever wants to start or complete it may try."""
        if without != "plan":
            self.did(plans.resume, self.plan.pk, reason="r")
        if without != "guard":
            self.judge(Verdict.PASS)
        if without != "lists":
            for text in ITEMS:
                self.tick(text)
        if without != "flag":
            self.raise_flag()
        if without != "validation":
            validated(self.now)
        if without != "approval":
            self.approve(key, PEOPLE[1])
        measuring.measure_all(now=self.now)

    @rule(what=st.sampled_from(TROUBLES), key=KEYS, actor=WHO, data=st.data())
    def trouble(self, what: str, key: str, actor: Actor, data: st.DataObject) -> None:
        if what == "roll back":
            self.roll_back(key)
        elif what == "approve":
            self.approve(key, actor)
        elif what == "waive":
            wanted = data.draw(st.sampled_from([each.key for each in phases.gate_of(phase(key), now=self.now)]))
            until = self.now + timedelta(hours=data.draw(st.integers(1, 30)))
            self.did(phases.waive, phase(key).pk, wanted, expires_at=until, actor=actor, reason="r")
        elif what == "mark":
            state = data.draw(st.sampled_from(list(ItemState)))
            self.did(items.mark, item(data.draw(BY_HAND)).pk, state, comment="seen")
        elif what == "validation fails":
            validated(self.now, success=False)
            measuring.measure_all(now=self.now)
        elif what == "breach":
            self.judge(Verdict.BREACH)
        elif what == "wait":
            self.now += timedelta(seconds=data.draw(st.sampled_from([40, 3600, 90_000])))
        else:
            self.did(plans.pause if what == "pause" else plans.resume, self.plan.pk, reason="r")

    def roll_back(self, key: str) -> None:
        possible = phase(key).state in ("active", "completed")
        assert self.did(phases.roll_back, phase(key).pk, reason="r") == possible
        assert not possible or not flags.selectors.state(KEY, "production").enabled

    def approve(self, key: str, actor: Actor) -> None:
        self.did(phases.approve, phase(key).pk, actor=actor, reason="r")

    def tick(self, text: str) -> None:
        self.did(items.mark, item(text).pk, ItemState.PASSED)

    def judge(self, verdict: Verdict) -> None:
        Trigger.objects.update(verdict=verdict.value)
        self.seen = self.now
        heartbeats.beat("guard", now=self.now)

    def raise_flag(self) -> None:
        self.did(rollout.change, KEY, "production", StateChange(enabled=True, percentage=100), reason="r")

    @invariant()
    def ramps_wait_for_a_phase_of_their_flag_and_while_a_criterion_of_it_fails(self) -> None:
        begun = {row.state for row in selectors.board(self.plan.pk)} & {"active", "completed"}
        fails = Item.objects.filter(checklist__key="first.criteria", state="FAILED").exists()
        held = not begun or (fails and phase("first").state == "active")
        assert Block.objects.exists() == held

    @invariant()
    def an_approval_is_never_older_than_a_rollback(self) -> None:
        for row in selectors.board(self.plan.pk):
            if row.state == PhaseState.ROLLED_BACK and row.approved_by:
                assert row.approved_at >= row.ended_at


@pytest.mark.django_db
def test_no_order_of_events_leads_past_a_gate(plan: Plan, guarded: Trigger, now: datetime) -> None:
    def fresh() -> Plans:
        Plan.objects.all().delete()
        Block.objects.all().delete()
        ValidationRun.objects.all().delete()
        Trigger.objects.update(verdict=Verdict.PASS.value)
        heartbeats.beat("guard", now=now)
        machine = Plans()
        machine.plan = plans.start("small", "production", actor=PEOPLE[0], reason="r", now=now)
        machine.begun = now
        return machine

    how = settings(max_examples=15, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(fresh, settings=how)
    assert Plans.walked >= 1, "it never came through a gate"
