"""A worker that is killed at any write of a rollback: the next one goes on, and everything has been done once."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from datetime import datetime, timedelta
from pathlib import Path

import pytest

import flags.selectors
from core import events
from rollbacks import selectors
from rollbacks.adapters.kubectl import Kubectl
from rollbacks.adapters.ports import Place
from rollbacks.domain.deployment import ClusterError
from rollbacks.models import Rollback
from rollbacks.services import deciding, running
from rollouts.services import validation
from tests.rollbacks.conftest import ANNA, GOOD, KEY, Ask, Cluster, all_pass, switch_on
from tests.rollouts.test_sigkill import killed_at

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]
HOUR = timedelta(hours=1)
FAKE = compile(Path(__file__).with_name("fake_kubectl.py").read_text(), "fake_kubectl.py", "exec")


class Here(Kubectl):
    """The fake in this very process: nothing is killed inside it, and it is asked some hundred times."""

    def _run(self, *arguments: str, limit: float) -> str:
        out, err = io.StringIO(), io.StringIO()
        argv, sys.argv = sys.argv, ["kubectl", *self._where(), *arguments]
        os.environ["KUBECONFIG"] = self._kubeconfig
        try:
            with redirect_stdout(out), redirect_stderr(err):
                exec(FAKE, {"__name__": "__main__"})
        except SystemExit:
            raise ClusterError(err.getvalue()) from None
        finally:
            sys.argv = argv
            del os.environ["KUBECONFIG"]
        return out.getvalue()


@pytest.fixture
def here(cluster: Cluster) -> Callable[[Place], Here]:
    return lambda place: Here(place, binary="", kubeconfig=str(cluster.file), timeout=1)


def work(row: Rollback, here: Callable[[Place], Here], now: datetime) -> Callable[[], None]:
    """Confirm it, where nobody has, and do all of it."""

    def run() -> None:
        if selectors.get(row.public_id).state == "requested":
            deciding.confirm(row.public_id, digest=row.digest, actor=ANNA, now=now, connect=here)
        for tick in range(9):
            at = now + timedelta(seconds=5 * tick)
            running.advance(clock=lambda at=at: at, connect=here)  # type: ignore[misc]
            validation.run_due(now=at, every=timedelta(0), apart=all_pass)

    return run


def told(row: Rollback, kind: str) -> int:
    return events.about(f"rollback:{row.public_id}").filter(kind=kind).count()


def test_a_worker_killed_between_any_two_writes_leaves_a_rollback_that_is_done_once(
    ask: Ask, cluster: Cluster, here: Callable[[Place], Here], now: datetime
) -> None:
    write, killed, seen = 0, True, set()
    while killed:
        write += 1
        assert write < 120
        now += HOUR
        cluster.reset()
        selectors_clear(now)
        row = ask("application", now=now, connect=here)
        killed = killed_at(write, work(row, here, now))
        after = selectors.get(row.public_id)
        done = [step.kind for step in after.steps.all() if step.state == "done"]
        seen.add((after.state, len(done), cluster.state["undone"]))
        work(row, here, now + timedelta(minutes=5))()  # the leases of whoever was killed are over by then
        where = f"killed at write {write}"
        assert selectors.get(row.public_id).state == "done", where
        assert (cluster.state["undone"], cluster.state["image"]) == (1, GOOD), where
        assert flags.selectors.state(KEY, "production").rollback_id == row.public_id, where
        found = {kind: told(row, f"rollback.{kind}") for kind in ("confirmed", "step_done", "completed", "step_failed")}
        assert found == {"confirmed": 1, "step_done": 5, "completed": 1, "step_failed": 0}, where
        off = events.about(f"flag:{KEY}").filter(kind="flag.rolled_back", data__rollback_id=row.public_id)
        assert off.count() == 1, where

    reached = {done for state, done, _ in seen if state == "running"}
    assert reached == {0, 1, 2, 3, 4}, "killed before each step, and after it"
    assert ("running", 1, 1) in seen, "killed when the undo was done and not noted"


def selectors_clear(now: datetime) -> None:
    """The flag is on again, and what earlier rollbacks went away from is forgotten."""
    Rollback.objects.all().delete()
    switch_on(KEY, 25, now=now)
