"""Seconds from the begin of a fault to the flag being off: `python -m benchmarks.fault_to_off [RUNS] [FAULT ...]`.

The whole system with the simulator at 20 melts a second: a part of the npubs has the feature, then its fault begins.
Nobody touches anything; the guard rolls back. Each run begins at another phase of the guard's clock. The faults are
those of the strategy's five triggers; without a name all of them are drilled.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import time
from collections import Counter
from dataclasses import dataclass

from benchmarks.installation import Installation, installation
from benchmarks.table import percentile, show

ENVIRONMENT = "production"
HEALTHY = 90  # seconds of traffic without a fault before each run: a drop needs a minute to compare with
GIVE_UP = 240


@dataclass(frozen=True, slots=True)
class Drill:
    """What is broken, for which flag and how many of its users."""

    flag: str
    percentage: int
    fault: tuple[str, ...]


DRILLS = {
    "errors": Drill("atomicMeltOperations", 50, ("errors", "--rate", "20")),
    "latency": Drill("preFlightReconciliation", 50, ("latency", "--rate", "8000")),
    "throughput": Drill("atomicMeltOperations", 100, ("silence",)),
    "critical": Drill("atomicMeltOperations", 50, ("errors", "--rate", "4", "--severity", "CRITICAL")),
    "complaints": Drill("atomicMeltOperations", 50, ("complaints", "--rate", "30")),
}


def main(runs: int, names: list[str]) -> None:
    rows = []
    with installation() as at:
        os.environ |= at.environment
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nctool_rollout.settings")
        with at.up(simulator=True):
            import django

            django.setup()
            for name in names:
                spent, fired = zip(*(once(at, DRILLS[name], number) for number in range(runs)), strict=True)
                figures = (statistics.median(spent), percentile(list(spent), 95), max(spent))
                by = ", ".join(f"{key} {count}" for key, count in Counter(fired).most_common())
                fault = f"{' '.join(DRILLS[name].fault)} at {DRILLS[name].percentage} %"
                rows.append((fault, runs, *(f"{figure:.0f} s" for figure in figures), by))
    show("From the fault to the flag off", ("fault", "runs", "median", "p95", "worst", "fired"), rows)


def once(at: Installation, drill: Drill, number: int) -> tuple[float, str]:
    """Raise the flag, let it run well, break it, and wait for the guard; the seconds, and which trigger it was."""
    from flags import selectors
    from monitoring import selectors as monitoring

    at.manage("simulator", "fault", "clear")
    prepare(drill)
    time.sleep(HEALTHY + random.Random(number).uniform(0, 10))
    if not selectors.state(drill.flag, ENVIRONMENT).enabled:
        raise RuntimeError("a false rollback: the flag was switched off without a fault")
    kind, *rest = drill.fault
    at.manage("simulator", "fault", kind, "--flag", drill.flag, *rest)
    began = time.monotonic()
    while selectors.state(drill.flag, ENVIRONMENT).enabled:
        if time.monotonic() - began > GIVE_UP:
            raise RuntimeError(f"the flag is still on after {GIVE_UP} s")
        time.sleep(0.1)
    took = time.monotonic() - began
    fired = monitoring.latched(ENVIRONMENT)[0].key
    print(f"{kind}, run {number + 1}: {took:.0f} s, {fired}", flush=True)
    return took, fired


def prepare(drill: Drill) -> None:
    """Re-arm what has fired, take every other flag back, and raise this one as two people would."""
    from django.utils import timezone

    from approvals.services import applying, deciding, requests
    from core.actors import Actor, ActorKind
    from core.asking import Change
    from flags.domain.change import StateChange
    from flags.services import rollout
    from monitoring import selectors
    from monitoring.services import triggers

    asks, approves = Actor("benchmark", ActorKind.COMMAND), Actor("approver", ActorKind.PERSON)
    told = {"actor": asks, "reason": "A drill."}
    for row in list(selectors.latched(ENVIRONMENT)):
        triggers.rearm(row.key, ENVIRONMENT, now=timezone.now(), **told)
    for flag in {one.flag for one in DRILLS.values()} - {drill.flag}:
        rollout.change(flag, ENVIRONMENT, StateChange(enabled=False, percentage=0), now=timezone.now(), **told)
    changes = [Change("flag.state", drill.flag, {"enabled": True, "percentage": str(drill.percentage)})]
    request = requests.open_request(ENVIRONMENT, changes, title="Drill", **told, now=timezone.now())
    deciding.approve(request.pk, digest=request.digest, comment="", actor=approves, now=timezone.now())
    applying.apply(request.pk, actor=asks, now=timezone.now())


if __name__ == "__main__":
    runs, *names = sys.argv[1:] or ["20"]
    main(int(runs), names or list(DRILLS))
