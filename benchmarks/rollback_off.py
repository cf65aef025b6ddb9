"""From a request to flags off, when two people do it at once: `python -m benchmarks.rollback_off`.

Both calls together, by the services, on SQLite: asking, and confirming by another person, after which the flags are
off. Of the application too, where kubectl is asked for each of the two: the stand-in of the tests, a program that is
started as the real one is and answers at once. What a real API server takes comes on top.
"""

from __future__ import annotations

import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.place import ROUNDS, place
from benchmarks.table import percentile, show


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        kubeconfig = str(Path(folder) / "kubeconfig")
        with place(KUBECTL=str(Path(folder) / "kubectl"), KUBECONFIG_PRODUCTION=kubeconfig):
            from django.utils import timezone

            from tests.rollbacks import conftest as ground

            ground.fake_kubectl(Path(folder))
            cluster = ground.Cluster(Path(kubeconfig))
            _fill(ground, timezone.now())
            rows = [_row("one feature", ground, cluster, "feature"), _row("everything", ground, cluster, "all")]
            show("From the request to flags off", ["", "p50 ms", "most ms"], rows)


def _fill(ground: Any, now: datetime) -> None:
    """nctool's playbook, without asking for approvals: flags, and where the application runs."""
    from nctool_rollout.playbook import loading
    from nctool_rollout.playbook.validation import load_text

    path = Path(__file__).parents[1] / "playbooks" / "nctool-v2.yaml"
    playbook, source = load_text(path.read_text(), file=path.name)
    free = playbook.model_copy(update={"approvals": {}})
    loading.load(free, source, actor=ground.OLGA, now=now, file=path.name)


def _row(name: str, ground: Any, cluster: Any, component: str) -> list[object]:
    times = [_once(ground, cluster, component) for _ in range(ROUNDS)]
    return [name, f"{percentile(times, 50):.0f}", f"{max(times):.0f}"]


def _once(ground: Any, cluster: Any, component: str) -> float:
    """Milliseconds; the flags are on again before, and the rollback is ended after it."""
    from django.utils import timezone

    import flags.selectors
    from rollbacks.services import deciding, requesting

    cluster.reset()
    now = timezone.now()
    ground.switch_on(ground.KEY, 25, now=now)
    ground.switch_on(ground.OTHER, 50, now=now)
    named = {"flag": ground.KEY} if component == "feature" else {}
    began = time.perf_counter()
    row = requesting.request("production", component, reason="errors", actor=ground.OLGA, now=now, **named)
    deciding.confirm(row.public_id, digest=row.digest, actor=ground.ANNA, now=now)
    spent = 1000 * (time.perf_counter() - began)
    if flags.selectors.state(ground.KEY, "production").enabled:
        raise SystemExit("The flag is still on.")
    _end(row)
    return spent


def _end(row: Any) -> None:
    """Leave nothing under way: the next round asks again."""
    type(row).objects.filter(pk=row.pk).update(state="aborted")


if __name__ == "__main__":
    main()
