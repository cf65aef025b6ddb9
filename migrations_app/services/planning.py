"""What a run would do, counted in the database it is for, before anybody approves it. Nothing is written there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bson import json_util
from pymongo.database import Database

from core import environments
from core.errors import Conflict, Invalid
from migrations_app import selectors
from migrations_app.adapters import documents, indexes, journal, modules, target
from migrations_app.adapters.modules import Loaded
from migrations_app.adapters.mongo import Unreachable
from migrations_app.domain.images import Impossible, changed, prepare
from migrations_app.domain.migration import PhaseName
from migrations_app.domain.operations import EnsureIndex, UpdateEach
from migrations_app.domain.restoring import back
from migrations_app.domain.states import Direction, Traffic
from migrations_app.models import MigrationRun

SAMPLES = 3  # documents of each operation that are shown before and after
USUAL_RATE = 1_000.0  # documents a second, where nothing was run yet
USUAL_IMAGE = 120  # bytes of the journal a document, compressed, where nothing was run yet
HIDDEN = ("proofs",)
COUNTING = 60.0  # seconds for all of it


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks for: a migration or parts of it, in one environment."""

    environment: str
    loaded: Loaded
    phases: tuple[str, ...]
    canary: int = 0
    traffic: Traffic = Traffic.LIVE


def wanted(
    environment: str, number: str, phases: Sequence[str] = (), *, canary: int = 0, traffic: str = "live"
) -> Wanted:
    """Read a request. Without phases, those that come before cleanup. Raises Invalid, NotFound, Conflict."""
    environments.get(environment)
    loaded = modules.get(number)
    there = [phase.name.value for phase in loaded.migration.phases]
    chosen = list(phases) or [name for name in there if name != PhaseName.CLEANUP]
    for name in chosen:
        loaded.migration.phase(name)
    if PhaseName.CLEANUP in chosen and len(chosen) > 1:
        raise Invalid("Cleanup is a run of its own, with its own approval.", field="phases")
    if traffic not in list(Traffic):
        raise Invalid(f"traffic is live or stopped, not {traffic!r}.", field="traffic")
    if not 0 <= canary <= 50:
        raise Invalid("A canary is 1 to 50 percent, 0 for none.", field="canary")
    return Wanted(environment, loaded, tuple(name for name in there if name in chosen), canary, Traffic(traffic))


def plan(of: Wanted, *, samples: bool = False) -> dict[str, Any]:
    """Count what the run would do, and how long that may take.

    Args:
        samples: show a few documents of each operation as they are and as they would be.

    Raises Conflict when the database is away or is not set up.
    """
    place = target.connect(of.environment)
    migration = of.loaded.migration
    try:
        with target.told(COUNTING):
            operations = [
                _operation(place.database, operation, f"{name}.{position}", samples=samples)
                for name in of.phases
                for position, operation in enumerate(migration.phase(name).operations)
            ]
    except Unreachable as error:
        raise Conflict(f"The database of {of.environment} cannot be asked: {error}") from error
    total = sum(each.get("documents", 0) for each in operations)
    rate, image = _experience(of)
    return {
        "target": place.name,
        "migration": migration.title,
        "checksum": of.loaded.checksum,
        "phases": [
            {"name": name, "title": migration.phase(name).title, "downtime": migration.phase(name).downtime}
            for name in of.phases
        ],
        "operations": operations,
        "documents": total,
        "seconds": round(total / rate),
        "journal_bytes": total * image,
        "canary": of.canary,
        "traffic": of.traffic.value,
    }


def digest_of(plan_: dict[str, Any], reason: str) -> str:
    """What an approval is for: the code, the database, and what was counted there."""
    kept = {name: value for name, value in plan_.items() if name != "readiness"}
    text = json.dumps({"plan": kept, "reason": reason}, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def need_order(of: Wanted, *, now: datetime) -> None:
    """Raises Conflict when something has to come before, was changed since it was applied, or is under way."""
    loaded = modules.load()
    for number, each in sorted(loaded.items()):
        done = selectors.applied(of.environment, number)
        if done is not None and done.checksum != each.checksum:
            raise Conflict(
                f"{each.path.name} was changed since run {done.uid} applied it in {of.environment}. Nothing is run "
                "before that version is back: what has to be different belongs into a new migration."
            )
        if number < of.loaded.migration.number and done is None:
            raise Conflict(f"Migration {number} has to be applied in {of.environment} first.")
    if PhaseName.CLEANUP in of.phases:
        _need_waited(of, now=now)
    elif selectors.applied(of.environment, of.loaded.migration.number) is not None:
        raise Conflict(f"Migration {of.loaded.migration.number} is applied in {of.environment} already.")
    _need_no_stranger(of)


def _need_waited(of: Wanted, *, now: datetime) -> None:
    migration = of.loaded.migration
    done = selectors.applied(of.environment, migration.number)
    if done is None or done.ended_at is None:
        raise Conflict(f"Cleanup comes after {migration.number} is applied in {of.environment}.")
    due = done.ended_at + migration.cleanup_after
    if now < due:
        days = migration.cleanup_after / timedelta(days=1)
        raise Conflict(f"Cleanup waits {days:g} days after the data was migrated: until {due:%Y-%m-%d %H:%M} UTC.")


def _need_no_stranger(of: Wanted) -> None:
    """A run that another control plane has left in this database."""
    place = target.connect(of.environment)
    known = set(MigrationRun.objects.filter(number=of.loaded.migration.number).values_list("uid", flat=True))
    query = {"number": of.loaded.migration.number}
    try:
        with target.told():
            rows = [row["_id"] for row in place.database[journal.RUNS].find(query, {"_id": 1}).limit(100)]
    except Unreachable as error:
        raise Conflict(f"The database of {of.environment} cannot be asked: {error}") from error
    strange = [uid for uid in rows if uid not in known]
    if strange:
        raise Conflict(
            f"{place.name} tells of run {strange[0]}, which is not known here: another installation migrates this "
            "database, or this one was set up anew."
        )


def _operation(database: Database[dict[str, Any]], operation: Any, key: str, *, samples: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"key": key, "title": operation.title, "collection": operation.collection}
    if not isinstance(operation, UpdateEach):
        there = indexes.find(database, operation.collection, operation.keys) is not None
        makes = isinstance(operation, EnsureIndex)
        return {**found, "index": operation.index, "there": there, "nothing": there == makes}
    rows = database[operation.collection]
    found["documents"] = rows.count_documents(operation.query)
    found["of"] = rows.estimated_document_count()
    if samples:
        found["samples"] = _samples(rows, operation)
    return found


def _samples(rows: documents.Rows, operation: UpdateEach) -> list[dict[str, Any]]:
    """A few documents before and after, and whether the way back gives the same bytes."""
    batch: list[documents.Read] = next(documents.batches(rows, operation.query, size=lambda: SAMPLES), [])
    started_at = datetime.fromisoformat("2025-08-11T09:00:00+00:00")
    found = []
    for read in batch:
        try:
            change = operation.change_of(read.document, started_at=started_at)
            image, _ = prepare(read.raw, read.document, change)
            after = changed(read.document, image)
            fate, _write = back(image, after)
            found.append({"before": _json(read.document), "after": _json(after), "back": fate.value})
        except Impossible as error:
            found.append({"before": _json(read.document), "error": str(error)})
    return found


def _json(document: dict[str, Any]) -> str:
    """For people to read. Whoever knows the secret of a proof can spend it, so proofs are left out."""
    document = {name: "(not shown)" if name in HIDDEN else value for name, value in document.items()}
    return json_util.dumps(document, json_options=json_util.RELAXED_JSON_OPTIONS, indent=2, ensure_ascii=False)


def _experience(of: Wanted) -> tuple[float, int]:
    """Documents a second and bytes of journal a document, from the newest run of this environment."""
    done = selectors.runs(of.environment).filter(direction=Direction.UP.value, ended_at__isnull=False).first()
    if done is None or done.started_at is None or done.ended_at is None:
        return USUAL_RATE, USUAL_IMAGE
    count = sum(done.result.get("changed", {}).values())
    seconds = (done.ended_at - done.started_at).total_seconds()
    if count < 100 or seconds <= 0:
        return USUAL_RATE, USUAL_IMAGE
    return count / seconds, max(1, done.result.get("journal_bytes", 0) // count)
