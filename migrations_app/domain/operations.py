"""What a migration may do to a collection: indexes, and changes of one document after the other.

An operation is data. How it is done, journaled and taken back is the runner's business; the inverse of a change comes
from the journal, that of an index is the index itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Document = Mapping[str, Any]
Keys = tuple[tuple[str, int], ...]


class RunStart:
    """In place of a value: the moment at which the run began, the same for every document and after every resume."""

    def __repr__(self) -> str:
        return "RUN_START"


RUN_START = RunStart()


@dataclass(frozen=True, slots=True)
class EnsureIndex:
    """An index that is there afterwards. Its inverse drops it, if it was this run that made it.

    Args:
        keys: fields with 1 (ascending) or -1, in their order.
        partial: the filter of a partial index, or None.
    """

    collection: str
    keys: Keys
    unique: bool = False
    partial: Document | None = None

    @property
    def index(self) -> str:
        return index_name(self.keys)

    @property
    def title(self) -> str:
        return f"Index {self.index} on {self.collection}"


@dataclass(frozen=True, slots=True)
class DropIndex:
    """An index that is gone afterwards. Its inverse makes it again as it was. `keys` as in EnsureIndex."""

    collection: str
    keys: Keys

    @property
    def index(self) -> str:
        return index_name(self.keys)

    @property
    def title(self) -> str:
        return f"Drop index {self.index} of {self.collection}"


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one document: dotted paths that are set, and those that are taken away."""

    set: Document = field(default_factory=dict)
    unset: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UpdateEach:
    """Every document that `where` and `guard` find is changed once, whenever it comes to be there.

    Args:
        where: a MongoDB filter: which documents are meant.
        guard: path → `{"$ne": value}`, `{"$exists": True or False}` or None (missing or null): holds before the change
            and not after it, so that a repeat is harmless. It is part of every write.
        set: dotted path → value or RUN_START. Fields beside them stay as they are.
        unset: dotted paths.
        change: in place of both: a pure function of the document and the start of the run.
    """

    title: str
    collection: str
    guard: Document
    where: Document = field(default_factory=dict)
    set: Document = field(default_factory=dict)
    unset: tuple[str, ...] = ()
    change: Callable[[Document, datetime], Change] | None = None

    def change_of(self, document: Document, *, started_at: datetime) -> Change:
        if self.change is not None:
            return self.change(document, started_at)
        values = {path: started_at if value is RUN_START else value for path, value in self.set.items()}
        return Change(values, self.unset)

    @property
    def query(self) -> dict[str, Any]:
        """The documents that are still to be changed."""
        both = set(self.where) & set(self.guard)
        if both:
            return {"$and": [dict(self.where), dict(self.guard)]}
        return {**self.where, **self.guard}


Operation = EnsureIndex | DropIndex | UpdateEach


def index_name(keys: Keys) -> str:
    """The name that MongoDB's drivers give to an index over these keys."""
    return "_".join(f"{field}_{direction}" for field, direction in keys)
