"""Seconds from the begin of a fault to the flag being off: `python -m benchmarks.fault_to_off [RUNS]`.

The whole system with the simulator at 10 melts a second: half of the npubs have the feature, then 20 % of their
melts fail. Nobody touches anything; the guard rolls back. Each run begins at another phase of the guard's clock.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import time

from benchmarks.installation import Installation, installation
from benchmarks.table import percentile, show

KEY, ENVIRONMENT, TRIGGER = "atomicMeltOperations", "production", "error-rate"
PERCENTAGE, RATE = 50, 20
HEALTHY = 25  # seconds of traffic without a fault before each run
GIVE_UP = 180


def main(runs: int) -> None:
    with installation() as at:
        os.environ |= at.environment
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nctool_rollout.settings")
        with at.up(simulator=True):
            import django

            django.setup()
            spent = [once(at, number) for number in range(runs)]
    rows = [
        (
            f"{RATE} % errors at {PERCENTAGE} % of 10 melts/s",
            len(spent),
            *(f"{figure:.0f} s" for figure in (statistics.median(spent), percentile(spent, 95), max(spent))),
        )
    ]
    show("From the fault to the flag off", ("fault", "runs", "median", "p95", "worst"), rows)


def once(at: Installation, number: int) -> float:
    """Raise the flag, let it run well, break it, and wait for the guard."""
    from django.utils import timezone

    from core.actors import Actor, ActorKind
    from flags import selectors
    from flags.domain.change import StateChange
    from flags.services import rollout
    from monitoring.services import triggers

    told = {"actor": Actor("benchmark", ActorKind.COMMAND), "reason": "benchmark"}
    at.manage("simulator", "fault", "clear")
    if number:
        triggers.rearm(TRIGGER, ENVIRONMENT, now=timezone.now(), **told)
    wanted = StateChange(enabled=True, percentage=PERCENTAGE)
    rollout.change(KEY, ENVIRONMENT, wanted, now=timezone.now(), **told)
    time.sleep(HEALTHY + random.Random(number).uniform(0, 10))
    if not selectors.state(KEY, ENVIRONMENT).enabled:
        raise RuntimeError("a false rollback: the flag was switched off without a fault")
    at.manage("simulator", "fault", "errors", "--flag", KEY, "--rate", str(RATE))
    began = time.monotonic()
    while selectors.state(KEY, ENVIRONMENT).enabled:
        if time.monotonic() - began > GIVE_UP:
            raise RuntimeError(f"the flag is still on after {GIVE_UP} s")
        time.sleep(0.1)
    took = time.monotonic() - began
    print(f"run {number + 1}: {took:.0f} s", flush=True)
    return took


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
