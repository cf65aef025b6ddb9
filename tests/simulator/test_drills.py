"""The strategy's five triggers, drilled one by one: calm, then a fault, and what is switched off how soon.

Seconds are virtual, so they are the same on every machine; `python -m benchmarks.fault_to_off` measures those of a
running system.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings

import monitoring.selectors
import rollouts.selectors
from core import events
from core.actors import Actor
from flags import selectors
from flags.adapters.disk import DiskCopy
from flags.api.counting import Counting
from flags.api.ofrep import OfrepDoor
from flags.domain.change import StateChange
from flags.domain.limit import MinuteLimit
from flags.services import rollout, tokens
from nctool_rollout.playbook import loading
from nctool_rollout.playbook.validation import load_text
from rollouts.domain.states import RampState
from rollouts.models import Ramp
from rollouts.services import starting
from simulator.faults import Fault, Kind
from simulator.plan import ATOMIC, PREFLIGHT
from tests.flags.ofrep_door import StillHolder
from tests.simulator.virtual import Virtual

NCTOOL = Path(settings.BASE_DIR) / "playbooks" / "nctool-v2.yaml"
PRODUCTION = "production"
START = datetime(2025, 8, 11, 9, 0, tzinfo=UTC)
CALM = 131  # seconds; the fault begins just after ten seconds have begun, so it is seen at its latest


@dataclass(frozen=True, slots=True)
class Drill:
    """Raise these flags in this order, to so many percent, then break something of the last one."""

    raised: tuple[tuple[str, int], ...]
    fault: Fault
    trigger: str
    seconds: int  # as the strategy's goals have it, from the fault to the flag off


SILENCE = Drill(((ATOMIC, 100),), Fault(Kind.SILENCE, ATOMIC), "throughput-drop", 90)
DRILLS = (  # with everybody on a canary has nobody to compare with: the strategy's own triggers are alone
    Drill(((PREFLIGHT, 50), (ATOMIC, 100)), Fault(Kind.ERRORS, ATOMIC, 20), "error-rate", 60),
    Drill(((ATOMIC, 50), (PREFLIGHT, 100)), Fault(Kind.LATENCY, PREFLIGHT, 8000), "response-time", 90),
    Drill(((PREFLIGHT, 50), (ATOMIC, 100)), Fault(Kind.ERRORS, ATOMIC, 4, "CRITICAL"), "critical-errors", 90),
    Drill(((ATOMIC, 50), (PREFLIGHT, 50)), Fault(Kind.COMPLAINTS, PREFLIGHT, 30), "user-complaints", 90),
    Drill(((PREFLIGHT, 50), (ATOMIC, 50)), Fault(Kind.ERRORS, ATOMIC, 20), "canary-errors", 60),
    Drill(((ATOMIC, 50), (PREFLIGHT, 50)), Fault(Kind.LATENCY, PREFLIGHT, 8000), "canary-latency", 90),
)


@dataclass(frozen=True, slots=True)
class Ground:
    """nctool's own playbook, armed in production; nobody has to approve what a drill does."""

    actor: Actor
    holder: StillHolder
    door: OfrepDoor
    token: str

    def plays(self, **rhythm: int) -> Virtual:
        self.holder.refresh()
        return Virtual(START, self.holder, self.door, self.token, **rhythm)

    def raises(self, flag: str, percentage: int) -> None:
        wanted = StateChange(enabled=True, percentage=percentage)
        rollout.change(flag, PRODUCTION, wanted, actor=self.actor, reason="A drill.", now=START)

    def ramps(self, template: str, **times: int) -> Ramp:
        return starting.start(template, PRODUCTION, actor=self.actor, reason="A drill.", now=START, **times)


@pytest.fixture
def ground(db: None, tmp_path: Path, operator_actor: Actor) -> Ground:
    playbook, source = load_text(NCTOOL.read_text(), file="nctool-v2.yaml")
    armed = {key: each.model_copy(update={"environments": [PRODUCTION]}) for key, each in playbook.triggers.items()}
    playbook = playbook.model_copy(update={"approvals": {}, "triggers": armed})
    loading.load(playbook, source, actor=operator_actor, now=START, file="nctool-v2.yaml")
    _, token = tokens.create("simulator", PRODUCTION, ["evaluate", "report"], actor=operator_actor, now=START)
    holder = StillHolder(DiskCopy(tmp_path / "snapshot"), poll_seconds=60)
    door = OfrepDoor(holder, limit=MinuteLimit(10**9), origins=(), counting=Counting(units=0))
    return Ground(operator_actor, holder, door, token)


def is_on(flag: str) -> bool:
    return selectors.state(flag, PRODUCTION).enabled


def rolled_back_by() -> list[str]:
    """The triggers that switched a flag off; one that fires after them finds it off."""
    fired = events.recent().filter(kind="trigger.fired").exclude(data__rollback_id="")
    return [event.subject.removeprefix("trigger:") for event in fired]


def latched() -> list[str]:
    return [row.key for row in monitoring.selectors.latched(PRODUCTION)]


def drilled(ground: Ground, virtual: Virtual, drill: Drill) -> None:
    """Raise, see that nothing fires, break it, and let as many seconds pass as the drill may take, or fewer."""
    for flag, percentage in drill.raised:
        ground.raises(flag, percentage)
    virtual.passes(CALM)
    assert latched() == []
    virtual.breaks(drill.fault)
    virtual.passes(drill.seconds, unless=lambda: not is_on(drill.fault.flag))


@pytest.mark.parametrize("drill", DRILLS, ids=lambda drill: drill.trigger)
def test_a_fault_switches_off_its_flag_in_time_and_no_other(ground: Ground, drill: Drill) -> None:
    virtual = ground.plays()
    drilled(ground, virtual, drill)
    assert rolled_back_by() == [drill.trigger]
    virtual.passes(30)  # with the flag off the fault harms nobody
    assert [is_on(flag) for flag, _ in drill.raised] == [True, False]


def test_a_drop_pauses_the_ramps_and_then_rolls_back_what_was_raised_last(ground: Ground) -> None:
    ramp = ground.ramps("reconciliation-six-week")
    virtual = ground.plays()
    virtual.passes(60)
    assert rollouts.selectors.get(ramp.pk).state == RampState.RUNNING
    drilled(ground, virtual, SILENCE)
    assert rolled_back_by() == [SILENCE.trigger]
    paused = rollouts.selectors.get(ramp.pk)
    assert paused.state == RampState.HELD
    assert "Throughput drop" in paused.hold_reason
    assert [is_on(flag) for flag in (ATOMIC, PREFLIGHT)] == [False, True]


def test_an_hour_without_a_fault_fires_nothing_and_lets_a_ramp_reach_its_end(ground: Ground) -> None:
    ramp = ground.ramps("reconciliation-six-week", pace=600, soak=300)
    ground.raises(ATOMIC, 50)
    ground.plays(rate=10, report_every=10, guard_every=60).passes(3600)
    assert latched() == []
    assert is_on(ATOMIC)
    assert rollouts.selectors.get(ramp.pk).state == RampState.COMPLETED
    assert selectors.state(PREFLIGHT, PRODUCTION).percentage == 100
