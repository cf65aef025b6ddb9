"""The way there: indexes, and documents batch by batch, each journaled before it is changed."""

from __future__ import annotations

import math
import time
from typing import Any

from migrations_app.adapters import documents, indexes
from migrations_app.adapters.documents import Read
from migrations_app.adapters.journal import forwards
from migrations_app.domain.bson_order import order_key
from migrations_app.domain.images import Image, Impossible, Write, prepare
from migrations_app.domain.operations import DropIndex, EnsureIndex, UpdateEach
from migrations_app.domain.restoring import Fate, back
from migrations_app.domain.steps import Point, Step
from migrations_app.services.work import Stop, Work

MOST_PASSES = 20  # over a collection, until nothing new is found
MOST_NAMED = 100


def operate(work: Work, step: Step) -> None:
    """Do one operation, or go on with it."""
    assert step.phase is not None  # noqa: S101 -- for the type checker
    operation = work.migration.phase(step.phase).operations[step.position]
    work.show(operation=operation.title, phase=step.phase.value)
    if isinstance(operation, UpdateEach):
        work.steady(lambda: _update_each(work, step, operation))
    else:
        _index(work, step, operation)


def _index(work: Work, step: Step, operation: EnsureIndex | DropIndex) -> None:
    """Whether it was there before is written down first: only what this run has made is dropped by its rollback."""
    known = work.journal.state.get("indexes", {}).get(step.key.replace(".", "_"))
    if known is None:
        there = work.steady(lambda: indexes.find(work.database, operation.collection, operation.keys))
        known = {"there": there is not None, "was": _described(there), "done": False}
        _note_index(work, step, known)
    work.at(Point.INDEX_PLANNED)
    if isinstance(operation, EnsureIndex):
        work.steady(lambda: work.meanwhile("The index is built", lambda: indexes.make(work.database, operation)))
    else:
        work.steady(lambda: indexes.drop(work.database, operation))
    _note_index(work, step, {**known, "done": True})
    work.at(Point.INDEX_MADE)


def _note_index(work: Work, step: Step, known: dict[str, Any]) -> None:
    work.steady(lambda: work.journal.checkpoint(**{f"indexes.{step.key.replace('.', '_')}": known}))


def _described(there: Any) -> Any:
    """An index as it can be kept in a document: its keys in their order, as pairs."""
    if there is None:
        return None
    return {**there, "key": [[name, way] for name, way in there["key"].items()]}


def _update_each(work: Work, step: Step, operation: UpdateEach) -> None:
    """Pass after pass over the collection, from the checkpoint on, until a pass finds nothing to change."""
    rows = work.database[operation.collection]
    _recount(work, step, rows)
    state = work.journal.state
    quota = _quota(work, step, operation)
    number, found, cursor = state.get("pass", 1), state.get("found", 0), state.get("cursor")
    while number <= MOST_PASSES:
        resume = cursor is not None
        after = cursor["v"] if cursor else None
        for batch in documents.batches(rows, operation.query, after=after, resume=resume, size=lambda: work.pace.size):
            if quota is not None:
                batch = batch[: quota - _changed(work, step)]
            if batch:
                found += len(batch)
                _batch(work, step, operation, batch, {"pass": number, "found": found})
            if quota is not None and _changed(work, step) >= quota:
                return
        if not found:
            return
        number, found, cursor = number + 1, 0, None
        work.journal.checkpoint(**{"pass": number, "found": 0, "cursor": None})
        work.at(Point.PASS_ENDED)
    raise Stop(
        f"{operation.title}: after {MOST_PASSES} passes there are still new documents to change. nctool goes on "
        "writing them as before: deploy the version that writes them as they shall be, then ask for this run again."
    )


def _recount(work: Work, step: Step, rows: documents.Rows) -> None:
    """Count what was written behind the last checkpoint: the worker died, or the answer was lost."""
    counted = work.journal.state.get("counted", 0)
    for batch in forwards(work.database, work.uid, above=counted):
        there = documents.by_ids(rows, [image.id for image in batch.images])
        fates = [back(image, there.get(order_key(image.id)))[0] for image in batch.images]
        done = sum(fate in (Fate.RESTORED, Fate.MERGED) for fate in fates)
        work.journal.checkpoint(**{"counted": batch.seq, f"changed.{_name(step)}": _changed(work, step) + done})


def _quota(work: Work, step: Step, operation: UpdateEach) -> int | None:
    """How many documents a canary changes; None for all of them."""
    if step.share >= 1:
        return None
    total: int | None = work.journal.state.get("totals", {}).get(_name(step))
    if total is None:
        total = int(work.database[operation.collection].count_documents(operation.query))
        work.journal.checkpoint(**{f"totals.{_name(step)}": total})
    return math.ceil(total * step.share)


def _changed(work: Work, step: Step) -> int:
    return int(work.journal.state.get("changed", {}).get(_name(step), 0))


def _name(step: Step) -> str:
    return step.key.replace(".", "_")


def _batch(work: Work, step: Step, operation: UpdateEach, batch: list[Read], place: dict[str, Any]) -> None:
    """One batch: journal, write, checkpoint. Killed anywhere in between, it is done again and does no harm."""
    work.at(Point.READ)
    work.breathe()
    began = time.monotonic()
    images, writes = _prepared(work, operation, batch)
    size = work.journal.write(step.key, images)
    work.at(Point.JOURNALED)
    work.need_lease()
    rows, query = work.database[operation.collection], operation.query
    written = documents.write(
        rows, [(image.id, write, query) for image, write in zip(images, writes, strict=True)], until=work.until
    )
    work.at(Point.WRITTEN)
    state, name = work.journal.state, _name(step)
    fields: dict[str, Any] = {
        **place,
        "cursor": {"v": batch[-1].id},
        "counted": work.journal.seq,
        f"changed.{name}": _changed(work, step) + written.matched,
        "bytes": state.get("bytes", 0) + size,
    }
    work.journal.checkpoint(**fields)
    work.at(Point.CHECKPOINTED)
    if written.refused:
        raise Stop(
            f"{operation.title}: the database refused {len(written.refused)} of {len(batch)} documents: "
            f"{written.refused[0][0]}: {written.refused[0][1]}",
            named={"refused": [[str(id_), why] for id_, why in written.refused[:MOST_NAMED]]},
        )
    seconds = time.monotonic() - began
    time.sleep(work.pace.took(len(batch), seconds))
    _show(work, len(batch), seconds)


def _prepared(work: Work, operation: UpdateEach, batch: list[Read]) -> tuple[list[Image], list[Write]]:
    images, writes, impossible = [], [], []
    for read in batch:
        try:
            change = operation.change_of(read.document, started_at=work.started_at)
            image, write = prepare(read.raw, read.document, change)
        except Impossible as error:
            impossible.append([str(read.id), str(error)])
            continue
        except Exception as error:  # the team's own function: whatever it raises is told with its document
            raise Stop(f"{operation.title}: {type(error).__name__} for document {read.id}: {error}") from error
        images.append(image)
        writes.append(write)
    if impossible:
        raise Stop(
            f"{operation.title}: {len(impossible)} documents cannot be changed; {impossible[0][0]}: {impossible[0][1]}",
            named={"impossible": impossible[:MOST_NAMED]},
        )
    return images, writes


def _show(work: Work, documents_: int, seconds: float) -> None:
    done = sum(work.journal.state.get("changed", {}).values())
    work.picture.update(done=done, batch=work.pace.size, journal_bytes=work.journal.state.get("bytes", 0))
    work.picture["rate"] = round(documents_ / seconds, 1) if seconds else None
