"""What a migration costs: `python -m benchmarks.migration_run [documents]`.

Migration 002 over that many tokens (10,000) of 300 wallets on the embedded MongoDB, or on a real one by
`NCTOOL_MONGODB_URL` (a database of its own is made and dropped): the whole run with journal, checkpoints, guarded
writes and both validations, beside a bare loop that only finds and writes the same; then the way back. And the memory
of a run over 10,000 and over 1,000,000 tokens, which are made up page by page (benchmarks/generated.py).
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.table import show

ROUNDS, BATCH = 3, 200
MEMORY = (10_000, 1_000_000)


def main(count: int) -> None:
    with server() as url:
        rows = [measure(url, count) for _ in range(ROUNDS)]
    bare, there, back = (median(column) for column in zip(*rows, strict=True))
    changes = count + count // 5
    table = [
        ["a bare loop: find, bulk_write", *_rate(bare, changes, bare)],
        ["the whole run of 002", *_rate(there, changes, bare)],
        ["the way back", *_rate(back, changes, bare)],
    ]
    show(f"002 over {count:,} tokens, median of {ROUNDS}", ["", "s", "changes/s", "of the bare rate"], table)
    show("Memory of a run, there and back", ["tokens", "before", "at most", "more"], [memory(size) for size in MEMORY])


def measure(url: str, count: int) -> tuple[float, float, float]:
    """Seconds of the bare loop, of the run, and of its way back, over the same documents."""
    import pymongo

    with pymongo.MongoClient(url, tz_aware=True, w="majority") as client:
        database = client[f"benchmark_{uuid.uuid4().hex[:8]}"]
        fill(database, count)
        began = time.perf_counter()
        bare(database)
        seconds = time.perf_counter() - began
        client.drop_database(database.name)
        fill(database, count)
        there, back = run(database)
        client.drop_database(database.name)
        return seconds, there, back


def fill(database: Any, count: int) -> None:
    from benchmarks.generated import WALLETS, Tokens

    tokens = Tokens(count)
    owners = [{"npub": f"npub1{number:04d}", "mint_url": "https://mint.example"} for number in range(WALLETS)]
    database.cashuwallets.insert_many(owners)
    for first in range(1, count + 1, 5_000):
        last = min(first + 5_000, count + 1)
        database.cashutokens.insert_many([tokens.document(number) for number in range(first, last)], ordered=False)


def bare(database: Any) -> None:
    """What the strategy's script does, in batches: the index, then two updates; nothing is kept, nothing looked at."""
    from pymongo import UpdateOne

    tokens = database.cashutokens
    tokens.create_index([("npub", 1), ("status", 1), ("transaction_type", 1)])
    tokens.create_index([("metadata.operation_id", 1)])
    date = time.time()
    for query, change in (
        ({"metadata": None}, {"metadata.migrated": True, "metadata.migration_date": date, "metadata.version": "2.0.0"}),
        ({"transaction_type": "melted"}, {"metadata.legacy": True, "metadata.cleanup_required": True}),
    ):
        batch = []
        for row in tokens.find(query, {"_id": 1}).sort("_id", 1):
            batch.append(UpdateOne({"_id": row["_id"]}, {"$set": change}))
            if len(batch) == BATCH:
                tokens.bulk_write(batch, ordered=False)
                batch = []
        if batch:
            tokens.bulk_write(batch, ordered=False)


def run(database: Any, *, lease: Any = None) -> tuple[float, float]:
    """Seconds of a run there and of its way back."""
    from migrations_app.services import driving

    times = []
    for verb in (driving.drive, lambda work: driving.take_back(work, work.phases)):
        work = _work(database, lease)
        began = time.perf_counter()
        ending = verb(work)
        times.append(time.perf_counter() - began)
        if ending.state not in ("completed", "rolled_back"):
            raise SystemExit(f"{ending}")
        if lease is None:
            work.lease.release()
    return times[0], times[1]


def memory(count: int) -> list[object]:
    """Megabytes of a process of its own: before the run, and at most."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.migration_run", "memory", str(count)],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    before, most = (float(word) for word in done.stdout.split())
    return [f"{count:,}", f"{before:.0f} MB", f"{most:.0f} MB", f"{most - before:.0f} MB"]


def use_memory(count: int) -> None:
    from benchmarks.generated import Generated
    from migrations_app.services import driving  # noqa: F401 -- what every worker has loaded

    with tempfile.TemporaryDirectory() as folder:
        database = Generated(count, str(Path(folder) / "kept"))
        before = _most()
        run(database, lease=_Always())
        print(before, _most())


class _Always:
    """A lease that is never lost."""

    fence, until, lost = 1, 0, False

    def left(self) -> float:
        return 60.0

    def renew_if_due(self) -> None: ...

    renew = renew_if_due


def _work(database: Any, lease: Any) -> Any:
    from benchmarks.generated import RUN_BEGAN
    from migrations_app.adapters import lease as leases
    from migrations_app.adapters.journal import Journal
    from migrations_app.domain.pace import Pace
    from migrations_app.domain.states import Traffic
    from migrations_app.services.work import Work
    from tests.migrations_app.engine import M002, Notes

    held = lease or leases.take(database, run="mr-1", worker="benchmark", length=timedelta(seconds=60))
    journal, phases = Journal(database, "mr-1", held), ("schema", "data")
    work = Work("mr-1", M002, phases, 0, Traffic.STOPPED, database, held, journal, Notes(), Pace())
    journal.open({"number": "002", "started_at": RUN_BEGAN, "step": 0, "state": "begun"})
    return work


@contextmanager
def server() -> Iterator[str]:
    given = os.environ.get("NCTOOL_MONGODB_URL")
    if given:
        yield given
        return
    from tests.servers import mongodb_server

    with tempfile.TemporaryDirectory() as folder, mongodb_server(Path(folder)) as url:
        yield url


def _most() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _rate(seconds: float, changes: int, bare_: float) -> list[str]:
    return [f"{seconds:.1f}", f"{changes / seconds:,.0f}", f"{100 * bare_ / seconds:.0f} %"]


if __name__ == "__main__":
    if sys.argv[1:2] == ["memory"]:
        use_memory(int(sys.argv[2]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
