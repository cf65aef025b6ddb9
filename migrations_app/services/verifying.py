"""Is the data now as a migration says it has to be? Only reads; every document and every wallet."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from core import environments, events
from core.actors import Actor
from core.errors import Conflict
from migrations_app import selectors
from migrations_app.adapters import documents, modules, target
from migrations_app.adapters.journal import forwards
from migrations_app.adapters.mongo import Unreachable
from migrations_app.domain.bson_order import order_key
from migrations_app.domain.migration import Migration
from migrations_app.domain.operations import UpdateEach
from migrations_app.domain.restoring import Fate, back
from migrations_app.domain.states import Traffic
from migrations_app.services import validating

LONGEST = 6 * 3600.0  # seconds
TOLD = {
    Fate.RESTORED: "as_changed",
    Fate.MERGED: "as_changed",
    Fate.CONFLICT: "changed_by_others",
    Fate.UNTOUCHED: "not_changed",
    Fate.GONE: "gone",
}


def verify(environment: str, number: str) -> dict[str, Any]:
    """Validate a migration, against the picture of before the run that applied it, where that is kept.

    Of the documents of its journal it tells how many still have our fields as the run left them, and of how many others
    have changed those since, or taken them away. Raises Conflict when the database is away.
    """
    migration = modules.get(number).migration
    run = selectors.applied(environment, number)
    place = target.connect(environment)
    kept = run is not None and not run.result.get("forgotten")
    try:
        with target.told(LONGEST):
            results = validating.after(
                place.database,
                migration,
                run.uid if run else "",
                earlier=run.before if run and kept else {},
                traffic=Traffic.LIVE,
                changed=run.result.get("changed", {}) if run else {},
                phases=tuple(run.phases) if run else (),
                whole=run is not None,
            )
            if run is not None and kept:
                results["journal"] = _fates(place.database, migration, run.uid)
    except Unreachable as error:
        raise Conflict(f"The database of {environment} cannot be asked: {error}") from error
    return {"environment": environment, "migration": number, "run": run.uid if run else None, **results}


def tell_differences(found: dict[str, Any], *, actor: Actor, now: datetime) -> None:
    """Record what verifying a migration that was applied has found wrong; nothing where nothing is."""
    wrong = validating.failures(found)
    if wrong and found["run"]:
        number = found["migration"]
        events.record(
            "migration.differs",
            subject=f"migration:{found['run']}",
            actor=actor,
            now=now,
            environment_id=environments.get(found["environment"]).pk,
            reason=f"The verification of migration {number} found differences: {'; '.join(wrong)}"[:2000],
            data={"number": number, "rule": number, "severity": "critical"},
        )


def _fates(database: Any, migration: Migration, uid: str) -> dict[str, int]:
    found: Counter[str] = Counter()
    for batch in forwards(database, uid):
        phase, _, position = batch.operation.partition(".")
        operation = migration.phase(phase).operations[int(position)]
        if isinstance(operation, UpdateEach):
            there = documents.by_ids(database[operation.collection], [image.id for image in batch.images])
            found.update(TOLD[back(image, there.get(order_key(image.id)))[0]] for image in batch.images)
    return dict(found)
