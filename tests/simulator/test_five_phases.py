"""The strategy from its first phase to its last, on a clock that the test turns: hours pass in a minute.

The playbook, the plan, its gates and checks, the ramps, the guard, the alert rules, the risk and the simulator's melts
are the real ones; the tasks of the beat run at their own intervals or some slower ones. Played are the checks of a
validation that need servers (health, MongoDB, the doors, TLS), and the people.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pymongo
import pytest
import time_machine
from pytest_django import Settings

import alerting.tasks
import monitoring.selectors
import monitoring.tasks
import plans.tasks
import risk.tasks
import rollouts.selectors
from core import events
from core.actors import Actor, ActorKind
from core.errors import Conflict
from flags import selectors as flags
from flags.domain.change import StateChange
from flags.services import rollout
from migrations_app.services import migrator, planning, readiness, requesting
from monitoring.services import triggers
from plans import selectors
from plans.domain.states import DONE, ItemState, PlanState
from plans.models import Item, Phase, Plan
from plans.services import items, phases
from plans.services import plans as service
from rollouts.domain.states import RampState
from rollouts.domain.validation import Check, Result
from rollouts.models import Ramp
from rollouts.services import starting, steering, validation
from simulator.faults import Fault, Kind
from simulator.plan import ATOMIC, PREFLIGHT
from tests.migrations_app.engine import token, wallets
from tests.simulator.test_drills import PRODUCTION, START, Ground, ground
from tests.simulator.virtual import Virtual

__all__ = ["ground"]
ERRORS = "enhancedErrorHandling"
ANNA = Actor("anna", ActorKind.PERSON)
BEFORE, DURING = ("before",), ("activities", "criteria")
PACE, SOAK = 180, 60  # seconds, in place of days and hours
TASKS: Mapping[Callable[[], None], int] = {
    monitoring.tasks.record: 30,
    alerting.tasks.evaluate: 60,
    risk.tasks.assess: 60,
    plans.tasks.look: 60,
}


@dataclass
class Walk:
    """The plan in production, the traffic, and the people who do what it asks of them."""

    plan: Plan
    virtual: Virtual
    olga: Actor
    ramps: dict[str, Ramp] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        return self.virtual.at

    def passes(self, seconds: int, unless: Callable[[], bool] = lambda: False) -> None:
        """Let time pass, until `unless` is seen, looked at every 15 s; every task of the clock looks in its turn."""
        for passed in range(seconds):
            if passed % 15 == 0 and unless():
                return
            with time_machine.travel(self.now, tick=False):
                for task, every in TASKS.items():
                    if int(self.now.timestamp()) % every == 5:
                        task()
            self.virtual.passes(1)

    def until(self, what: Callable[[], bool], *, most: int) -> None:
        self.passes(most, unless=what)
        assert what(), f"not so after {most} s: {[ramp.waiting_for for ramp in map(self.ramp, self.ramps)]}"

    def say(self, reason: str = "As planned.") -> dict[str, Any]:
        return {"actor": self.olga, "reason": reason, "now": self.now}

    def phase(self, key: str) -> Phase:
        return selectors.phase_of(self.plan, key)

    def validates(self) -> None:
        """The performance check is the real one."""
        validation.run(PRODUCTION, actor=self.olga, now=self.now, apart=_apart)

    def ticks(self, *, phase: str = "", kinds: Collection[str] = BEFORE) -> None:
        """People pass, in order, what only people can know: of the whole plan, or of a phase."""
        for checklist in selectors.checklists(self.plan.pk).select_related("phase"):
            if checklist.kind not in kinds or (checklist.phase.key if checklist.phase else "") != phase:
                continue
            for item in Item.objects.filter(checklist=checklist, check_of={}).order_by("position"):
                if ItemState(item.state) not in DONE:
                    items.mark(item.pk, ItemState.PASSED, actor=self.olga, now=self.now, comment="Seen.")

    def skips(self, *, phase: str, why: str) -> None:
        """Let what cannot be measured pass, with a reason."""
        rows = Item.objects.filter(checklist__phase__key=phase, checklist__kind="before")
        for item in rows.exclude(state__in=[state.value for state in DONE]).order_by("position"):
            items.mark(item.pk, ItemState.SKIPPED, actor=self.olga, now=self.now, comment=why)

    def begins(self, key: str) -> None:
        """Through the gate, after another person has approved it where it asks for that."""
        row = self.phase(key)
        if row.needs.get("approval"):
            with pytest.raises(Conflict, match="Nobody has approved it"):
                phases.start(row.pk, **self.say())
            phases.approve(row.pk, actor=ANNA, reason="Fine.", now=self.now)
        self.opens(key)
        phases.start(row.pk, **self.say())

    def opens(self, key: str) -> None:
        """Validate every five minutes until the gate in front of the phase is open."""
        for _ in range(6):
            self.validates()
            self.passes(300, unless=lambda: self.is_met(key))
            if self.is_met(key):
                return
        failed = Item.objects.filter(checklist__plan=self.plan).exclude(check_of={}).exclude(state="PASSED")
        wrong = [each.why for each in phases.gate_of(self.phase(key), now=self.now) if not each.open]
        pytest.fail(f"{wrong} {[(each.text, each.why) for each in failed]}")

    def completes(self, key: str) -> None:
        """When every measured criterion has ticked itself and people have said the rest."""
        self.ticks(phase=key, kinds=DURING)
        self.opens(key)
        phases.complete(self.phase(key).pk, **self.say())

    def is_met(self, key: str) -> bool:
        return all(each.open for each in phases.gate_of(self.phase(key), now=self.now))

    def raises(self, key: str, step: int) -> None:
        """Let the clock take the steps of a ramp up to this one."""
        self.until(lambda: self.ramp(key).position >= step, most=1800)

    def ramp(self, key: str) -> Ramp:
        return rollouts.selectors.get(self.ramps[key].pk)

    def starts_ramp(self, key: str) -> None:
        self.ramps[key] = starting.start(key, PRODUCTION, pace=PACE, soak=SOAK, **self.say())


def _apart(checks: Mapping[Check, Callable[[], Result]]) -> dict[Check, Result]:
    """The real performance check; the servers that the others ask are not here."""
    played = Result(success=True, summary="Played.")
    return {check: make() if check is Check.PERFORMANCE else played for check, make in checks.items()}


@pytest.fixture
def walk(ground: Ground, operator_actor: Actor, settings: Settings, mongodb_url: str, mongodb_name: str) -> Walk:
    settings.NCTOOL_MONGODBS = {"PRODUCTION": f"{mongodb_url.rpartition('/')[0]}/{mongodb_name}"}
    settings.MIGRATION_INTERLOCK = True
    with pymongo.MongoClient(mongodb_url) as client:
        client[mongodb_name].cashuwallets.insert_many(wallets())
        client[mongodb_name].cashutokens.insert_many([token(number) for number in range(60)])
    virtual = ground.plays(rate=10, report_every=10, guard_every=30)
    plan = service.start("nctool-2", PRODUCTION, actor=operator_actor, reason="The rollout.", now=START)
    return Walk(plan, virtual, operator_actor)


def test_the_five_phases_are_walked_from_end_to_end(walk: Walk) -> None:
    opened = deployed(walk)
    migrated(walk)
    classified(walk)
    reconciled(walk)
    melted(walk)

    # What people left undone of the first two hours is told
    with time_machine.travel(max(walk.now, opened + timedelta(hours=2, minutes=1)), tick=False):
        plans.tasks.look()
    assert overdue_lists() == {"immediate-validation"}

    plan = service.complete(walk.plan.pk, **walk.say("All five phases."))
    assert plan.state == PlanState.COMPLETED
    moves = events.recent().filter(kind__startswith="phase.").order_by("id").values_list("kind", "data__phase")
    assert [move for move in moves if move[0] != "phase.approved"] == [
        ("phase.started", "infrastructure"),
        ("phase.completed", "infrastructure"),
        ("phase.started", "migration"),
        ("phase.completed", "migration"),
        ("phase.started", "error-handling"),
        ("phase.completed", "error-handling"),
        ("phase.started", "reconciliation"),
        ("phase.completed", "reconciliation"),
        ("phase.started", "atomic-melts"),
        ("phase.rolled_back", "atomic-melts"),
        ("phase.started", "atomic-melts"),
        ("phase.completed", "atomic-melts"),
    ]


def deployed(walk: Walk) -> datetime:
    """Phase 1: before it, five lists; after its activities the windows open. When they did."""
    walk.starts_ramp("reconciliation-phased")
    walk.passes(300)
    assert walk.ramp("reconciliation-phased").position == 0
    assert "Phase Pre-flight Reconciliation of the plan" in walk.ramp("reconciliation-phased").waiting_for

    with pytest.raises(Conflict, match="Code and configuration: 0 of 7 done"):
        phases.start(walk.phase("infrastructure").pk, **walk.say())
    walk.ticks()
    backup = Item.objects.get(text="Database backup completed and verified")
    items.mark(backup.pk, ItemState.SKIPPED, actor=walk.olga, now=walk.now, comment="The test's data.")
    walk.begins("infrastructure")
    walk.passes(300)
    walk.completes("infrastructure")
    windows = {each.key: each.opens_at for each in selectors.checklists(walk.plan.pk) if each.kind == "after"}
    begun = windows["immediate-validation"]
    assert begun is not None
    assert windows == {
        "immediate-validation": begun,
        "short-term-monitoring": begun + timedelta(hours=2),
        "long-term-validation": begun + timedelta(hours=24),
    }
    return begun


def migrated(walk: Walk) -> None:
    """Phase 2: the database, which is a real one. What the stand-in cannot show, people look at themselves."""
    with pytest.raises(Conflict, match="Migration checklist"):
        phases.start(walk.phase("migration").pk, **walk.say())
    with pytest.raises(Conflict, match="Database Migration is completed: It is waiting"):
        phases.start(walk.phase("error-handling").pk, **walk.say())
    walk.passes(120)
    shown = dict(Item.objects.filter(checklist__key="migration").values_list("text", "state"))
    assert shown["replicationLagMinimized"] == ItemState.PASSED
    assert {shown[name] for name in ("backupCreated", "diskSpaceVerified")} <= {ItemState.FAILED, ItemState.PENDING}
    walk.skips(phase="migration", why="Seen on the server itself.")
    walk.begins("migration")
    wanted = planning.wanted(PRODUCTION, "002", traffic="stopped")
    readiness.waive(PRODUCTION, "backup", "The test's data.", 4, ANNA, walk.now)
    run = requesting.request(wanted, **walk.say("Week 2."))
    requesting.approve(run.uid, digest=run.digest, actor=ANNA, now=walk.now)
    assert not walk.is_met("migration")
    while migrator.run_next(worker="w1", clock=lambda: walk.now):
        pass
    walk.completes("migration")


def classified(walk: Walk) -> None:
    """Phase 3: for everybody at once."""
    walk.begins("error-handling")
    everybody = StateChange(enabled=True, percentage=100)
    rollout.change(ERRORS, PRODUCTION, everybody, **walk.say())
    walk.passes(120)
    walk.completes("error-handling")


def reconciled(walk: Walk) -> None:
    """Phase 4: the ramp that waited goes on by itself, to everybody."""
    walk.begins("reconciliation")
    walk.raises("reconciliation-phased", 4)
    assert flags.state(PREFLIGHT, PRODUCTION).percentage == 100
    walk.completes("reconciliation")


def melted(walk: Walk) -> None:
    """Phase 5: the allow-list alone waits for a person; at 25 % it goes wrong, is rolled back, and is begun again."""
    walk.begins("atomic-melts")
    walk.starts_ramp("atomic-phased")
    walk.raises("atomic-phased", 1)
    steering.advance(walk.ramps["atomic-phased"].pk, **walk.say("The testers are content."))
    walk.raises("atomic-phased", 3)
    walk.virtual.breaks(Fault(Kind.ERRORS, ATOMIC, 40))
    walk.until(lambda: not flags.state(ATOMIC, PRODUCTION).enabled, most=300)
    walk.passes(60)
    assert walk.ramp("atomic-phased").state == RampState.HELD
    assert not walk.is_met("atomic-melts")
    phases.roll_back(walk.phase("atomic-melts").pk, **walk.say("Every third melt failed."))
    walk.virtual.heals()
    with pytest.raises(Conflict, match="has fired"):
        phases.start(walk.phase("atomic-melts").pk, **walk.say())
    for trigger in monitoring.selectors.latched(PRODUCTION):
        triggers.rearm(trigger.key, PRODUCTION, **walk.say("A wrong build, taken back."))
    walk.begins("atomic-melts")
    steering.resume(walk.ramps["atomic-phased"].pk, **walk.say("Again."))
    assert flags.state(ATOMIC, PRODUCTION).percentage == 25
    walk.raises("atomic-phased", 5)
    state = flags.state(ATOMIC, PRODUCTION)
    assert (state.percentage, state.parameters["fallbackToLegacy"]) == (100, False)
    walk.completes("atomic-melts")


def overdue_lists() -> set[str]:
    told = events.recent().filter(kind="checklist.overdue").values_list("subject", flat=True)
    return {selectors.checklist(int(subject.partition(":")[2])).key for subject in told}
