"""How long validating the atomic melts of a day takes, and how much memory: `python -m benchmarks.atomic_validation`.

100,000 melts (300,000 tokens) in the embedded MongoDB; the check runs alone, as a worker runs it, in a fresh process
whose memory is read every 20 ms. With a number as argument, so many melts.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.table import show

MELTS = 100_000
WALLETS = 300
TOGETHER = 3_000  # documents that are inserted at once


def documents(melts: int, now: datetime) -> Iterator[dict[str, Any]]:
    """What the simulator's melts look like, spread over the day: a token spent, a record, and change."""
    from bson import ObjectId

    for number in range(melts):
        melt, spent = str(ObjectId()), ObjectId()
        at = now - timedelta(seconds=80_000 * (number * 7919 % melts) / melts)
        token = {"npub": f"npub1sim{number % WALLETS:055d}", "mint_url": "https://mint.one.example", "created_at": at}
        mark = {"atomic_operation": True, "operation_id": melt}
        yield {
            **token,
            "_id": spent,
            "transaction_type": "received",
            "status": "spent",
            "amount": 500,
            "spent_by": melt,
        }
        record = {**mark, "inputs": [spent], "fee": 3}
        yield {**token, "transaction_type": "melted", "status": "spent", "amount": 300, "metadata": record}
        yield {**token, "transaction_type": "change", "status": "unspent", "amount": 197, "metadata": mark}


def fill(url: str, melts: int, now: datetime) -> None:
    import pymongo

    with pymongo.MongoClient[dict[str, Any]](url) as client:
        tokens = client["nctool"]["cashutokens"]
        tokens.create_index([("metadata.operation_id", 1)])
        together: list[dict[str, Any]] = []
        for document in documents(melts, now):
            together.append(document)
            if len(together) == TOGETHER:
                tokens.insert_many(together, ordered=False)
                together = []
        if together:
            tokens.insert_many(together, ordered=False)


def memory() -> float:
    """MB of this process, now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def watch(most: list[float], stop: threading.Event) -> None:
    while not stop.wait(0.02):
        most.append(max(memory(), most.pop()))


def measure(now: datetime) -> None:
    """In a process of its own: seconds, MB before, MB at most, and what the check says."""
    import django

    django.setup()
    from django.core.management import call_command

    from core.models import Environment
    from rollouts.domain.validation import Subject
    from rollouts.services import validation_atomic

    call_command("migrate", verbosity=0)
    environment = Environment.objects.create(key="production", name="Production", position=1)
    before = memory()
    most, stop = [before], threading.Event()
    threading.Thread(target=watch, args=(most, stop), daemon=True).start()
    began = time.perf_counter()
    result = validation_atomic.check(Subject("production", environment.pk, 1, now))
    print(f"{time.perf_counter() - began}\t{before}\t{most[0]}\t{result.summary}")
    stop.set()


def main() -> None:
    melts = int(sys.argv[1]) if len(sys.argv) > 1 else MELTS
    now = datetime.now(UTC)
    from tests.servers import mongodb_server

    with tempfile.TemporaryDirectory() as directory, mongodb_server(Path(directory)) as url:
        fill(url, melts, now)
        os.environ |= {"DATA_DIR": directory, "DATABASE_URL": f"sqlite:///{Path(directory) / 'control.sqlite3'}"}
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "nctool_rollout.settings",
            "NCTOOL_MONGODB_URL": url,
            "SECRET_KEY": "x" * 50,
        }
        command = [sys.executable, "-m", "benchmarks.atomic_validation", "measure", now.isoformat()]
        told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip().splitlines()[-1]
    seconds, before, most, summary = told.split("\t")
    show(
        f"validateAtomicOperations: {melts:,} melts. {summary}",
        ["", "seconds", "memory before, MB", "at most, MB", "more, MB"],
        [
            [
                "check",
                f"{float(seconds):.1f}",
                *(f"{float(n):.0f}" for n in (before, most)),
                f"{float(most) - float(before):.0f}",
            ]
        ],
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        measure(datetime.fromisoformat(sys.argv[2]))
    else:
        main()
