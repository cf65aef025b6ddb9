"""The way back: from the end of the journal to its beginning, each document as it was, whatever has become of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

from migrations_app.adapters import documents, indexes
from migrations_app.adapters.documents import Rows
from migrations_app.adapters.journal import Batch, Later, backwards
from migrations_app.domain.bson_order import order_key
from migrations_app.domain.images import Image, Write
from migrations_app.domain.migration import PhaseName
from migrations_app.domain.operations import DropIndex, EnsureIndex, UpdateEach
from migrations_app.domain.restoring import Fate, back
from migrations_app.domain.steps import Point
from migrations_app.services.work import Stop, Work

TRIES = 5  # of a document that others change at the same moment
MOST_NAMED = 100
LISTED = (Fate.MERGED, Fate.CONFLICT, Fate.GONE)


def undo(work: Work, phases: Sequence[str]) -> dict[str, Any]:
    """Take back everything that a run has done in these phases; what became of the documents.

    It may be killed at any point and be called again: it goes on where it was.
    """
    work.at(Point.UNDO_BEGUN)
    for name in reversed(PhaseName):
        if name.value in phases and any(phase.name is name for phase in work.migration.phases):
            work.show(phase=name.value, operation="Take back", waiting="")
            _indexes(work, name, DropIndex)
            work.steady(lambda name=name: _documents(work, name))  # type: ignore[misc]
            _indexes(work, name, EnsureIndex)
    work.at(Point.UNDONE)
    return dict(work.journal.state.get("undo", {}))


def _documents(work: Work, phase: PhaseName) -> None:
    """Every entry of the phase's journal, newest first, then once more: for what was written while it went."""
    later = cache(partial(Later, work.database, work.uid))
    for round_ in ("first", "again"):
        place = work.journal.state.get("undo", {}).get("at", {}).get(f"{phase}_{round_}")
        for batch in backwards(work.database, work.uid, below=place):
            if batch.operation.startswith(f"{phase}."):
                _batch(work, phase, round_, batch, later)


def _batch(work: Work, phase: PhaseName, round_: str, batch: Batch, later: Callable[[], Later]) -> None:
    work.breathe()
    began = time.monotonic()
    operation = work.migration.phase(phase).operations[int(batch.operation.rpartition(".")[2])]
    if not isinstance(operation, UpdateEach):
        raise Stop(
            f"The journal tells of {batch.operation}, which is no change of documents. Was the migration changed?"
        )
    rows = work.database[operation.collection]
    fates: dict[Fate, list[Any]] = {}
    for first in range(0, len(batch.images), documents.AT_ONCE):
        _restore(work, rows, batch, batch.images[first : first + documents.AT_ONCE], fates, later)
        work.need_lease()
    work.at(Point.UNDO_WRITTEN)
    _checkpoint(work, f"{phase}_{round_}", batch, fates, first=round_ == "first")
    work.at(Point.UNDO_CHECKPOINTED)
    seconds = time.monotonic() - began
    time.sleep(work.pace.took(len(batch.images), seconds))
    _show(work, len(batch.images), seconds)


def _restore(
    work: Work,
    rows: Rows,
    batch: Batch,
    images: Sequence[Image],
    fates: dict[Fate, list[Any]],
    later: Callable[[], Later],
) -> None:
    """Decide on each document as it is now; one that changes between the look and the write is looked at again."""
    left = list(images)
    for attempt in range(TRIES):
        there = documents.by_ids(rows, [image.id for image in left])
        decided = [(image, *back(image, there.get(order_key(image.id)))) for image in left]
        work.at(Point.UNDO_READ)
        writes: list[tuple[Any, Write, dict[str, Any]]] = [
            (image.id, write, {}) for image, _, write in decided if write is not None
        ]
        written = documents.write(rows, writes, until=work.until)
        if written.refused:
            raise Stop(
                f"The database refused to take {written.refused[0][0]} back: {written.refused[0][1]}",
                named={"refused": [[str(id_), why] for id_, why in written.refused[:MOST_NAMED]]},
            )
        done = [row for row in decided if row[2] is None]
        if written.matched == len(writes) or attempt == TRIES - 1:
            done = decided
        for image, fate, _ in done:
            fates.setdefault(_seen(later, batch, image, fate), []).append(image.id)
        if len(done) == len(decided):
            return
        left = [image for image, _, write in decided if write is not None]


def _seen(later: Callable[[], Later], batch: Batch, image: Image, fate: Fate) -> Fate:
    """A document that was changed twice by one run differs from its first image: the later one counts."""
    return Fate.LATER if fate is Fate.CONFLICT and later().has(batch, image.id) else fate


def _checkpoint(work: Work, place: str, batch: Batch, fates: dict[Fate, list[Any]], *, first: bool) -> None:
    """How far it is, and the sums: of the second round only what it still had to do."""
    undo = work.journal.state.get("undo", {})
    fields: dict[str, Any] = {f"undo.at.{place}": batch.seq}
    for fate, ids in fates.items():
        if first or fate in (Fate.RESTORED, Fate.MERGED):
            fields[f"undo.{fate}"] = undo.get(fate.value, 0) + len(ids)
            if fate in LISTED:
                listed = undo.get("listed", {}).get(fate.value, [])
                fields[f"undo.listed.{fate}"] = [*listed, *map(str, ids)][:MOST_NAMED]
    work.journal.checkpoint(**fields)


def _indexes(work: Work, phase: PhaseName, kind: type[EnsureIndex | DropIndex]) -> None:
    """Dropped ones are made again before documents go back, made ones are dropped after."""
    for position, operation in reversed(list(enumerate(work.migration.phase(phase).operations))):
        if not isinstance(operation, kind):
            continue
        known = work.journal.state.get("indexes", {}).get(f"{phase}_{position}")
        if known is not None:
            _index(work, operation, known)
            work.at(Point.INDEX_UNDONE)


def _index(work: Work, operation: EnsureIndex | DropIndex, known: dict[str, Any]) -> None:
    work.breathe(force=True)
    if isinstance(operation, EnsureIndex) and not known["there"]:
        work.steady(lambda: indexes.drop(work.database, operation))
    if isinstance(operation, DropIndex) and known["there"]:
        description = {**known["was"], "key": dict(map(tuple, known["was"]["key"]))}
        build = "The index is built again"
        make = indexes.make_again
        work.steady(lambda: work.meanwhile(build, lambda: make(work.database, operation.collection, description)))


def _show(work: Work, documents_: int, seconds: float) -> None:
    undo = work.journal.state.get("undo", {})
    work.picture["undone"] = sum(undo.get(fate.value, 0) for fate in Fate)
    work.picture["rate"] = round(documents_ / seconds, 1) if seconds else None
