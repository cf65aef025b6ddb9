"""What one document looked like before it was changed, and how it gets back there, to the byte. Pure, on BSON.

Only the fields that are changed are kept, with a digest of the whole document: a document that, with our fields put
back, has the same digest is byte for byte what it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import bson
from bson.codec_options import CodecOptions, DatetimeConversion

from migrations_app.domain.operations import Change, Document

# Whatever MongoDB can hold comes back as it was: dates after the year 9999, UUIDs of any kind, 64-bit integers.
CODEC: CodecOptions[dict[str, Any]] = CodecOptions(
    document_class=dict, tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_AUTO
)


class Missing:
    """There is no such field."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING = Missing()


class Impossible(Exception):
    """The document cannot be changed as it is meant; `str(error)` says why."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One changed field: its path, what it was, and what it became; either may be MISSING."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Image:
    """What is kept of a document.

    `made`: objects that were not there and came to be for our fields, and whether null stood in their place. `orders`:
    the order of the fields of an object (the document itself: "") of which one is taken away.
    """

    id: Any
    digest: bytes
    leaves: tuple[Leaf, ...]
    made: tuple[tuple[str, bool], ...] = ()
    orders: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def packed(self) -> dict[str, Any]:
        return {
            "i": self.id,
            "d": self.digest,
            "l": [
                {"p": leaf.path}
                | ({} if leaf.before is MISSING else {"b": leaf.before})
                | ({} if leaf.after is MISSING else {"a": leaf.after})
                for leaf in self.leaves
            ],
            **({"m": [list(each) for each in self.made]} if self.made else {}),
            **({"o": [[path, list(names)] for path, names in self.orders]} if self.orders else {}),
        }

    @classmethod
    def unpacked(cls, row: Mapping[str, Any]) -> Image:
        leaves = tuple(Leaf(leaf["p"], leaf.get("b", MISSING), leaf.get("a", MISSING)) for leaf in row["l"])
        made = tuple((path, null) for path, null in row.get("m", ()))
        orders = tuple((path, tuple(names)) for path, names in row.get("o", ()))
        return cls(row["i"], row["d"], leaves, made, orders)


@dataclass(frozen=True, slots=True)
class Write:
    """One guarded write: it does nothing when the fields are not any more what they were read as."""

    guard: dict[str, Any]
    update: dict[str, Any]
    whole: dict[str, Any] | None = None  # the whole document in place of `update`, where its order has to come back


def digest(raw: bytes) -> bytes:
    return hashlib.blake2b(raw, digest_size=16).digest()


def decode(raw: bytes) -> dict[str, Any]:
    return bson.decode(raw, codec_options=CODEC)


def encode(document: Document) -> bytes:
    return bson.encode(document, codec_options=CODEC)


def same(one: Any, other: Any) -> bool:
    """The same value of the same BSON type, fields in the same order."""
    if one is MISSING or other is MISSING:
        return one is other
    return encode({"": one}) == encode({"": other})


def get(document: Document, path: str) -> Any:
    """The value at a dotted path; MISSING when something on the way is not there or no object."""
    found: Any = document
    for name in path.split("."):
        if not isinstance(found, Mapping) or name not in found:
            return MISSING
        found = found[name]
    return found


def prepare(raw: bytes, document: Document, change: Change) -> tuple[Image, Write]:
    """The image to keep, and then the write to make. Raises Impossible, also when the change would change nothing."""
    leaves = [Leaf(path, get(document, path), value) for path, value in change.set.items()]
    leaves += [Leaf(path, get(document, path), MISSING) for path in change.unset]
    leaves = [leaf for leaf in leaves if not same(leaf.before, leaf.after)]
    if not leaves:
        raise Impossible("the change changes nothing of it, and the guard still holds")
    sets = {leaf.path: leaf.after for leaf in leaves if leaf.after is not MISSING}
    made = _made(document, sets)
    unset = [leaf.path for leaf in leaves if leaf.after is MISSING]
    image = Image(document["_id"], digest(raw), tuple(leaves), tuple(made.items()), tuple(_orders(document, unset)))
    return image, Write(_guard(leaves, made), update_of(_under_null(sets, made), unset))


def _made(document: Document, sets: Document) -> dict[str, bool]:
    """The objects that come to be by setting these paths, outermost only, and whether null stands there."""
    found: dict[str, bool] = {}
    for path in sets:
        names = path.split(".")
        for depth in range(1, len(names)):
            parent = ".".join(names[:depth])
            value = get(document, parent)
            if value is MISSING or value is None:
                found[parent] = value is None
                break
            if not isinstance(value, Mapping):
                raise Impossible(f"{parent} is {type(value).__name__}, no object: {path} cannot be set in it")
    return found


def _orders(document: Document, unset: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for parent in dict.fromkeys(path.rpartition(".")[0] for path in unset):
        holder = get(document, parent) if parent else document
        yield parent, tuple(holder)


def _guard(leaves: Sequence[Leaf], made: Mapping[str, bool]) -> dict[str, Any]:
    """The fields as they were read. An object that is made stands for all that is made in it."""
    found: dict[str, Any] = {path: {"$type": "null"} if null else {"$exists": False} for path, null in made.items()}
    for leaf in leaves:
        if not any(leaf.path.startswith(f"{path}.") for path in made):
            found[leaf.path] = equal(leaf.before)
    return found


def equal(value: Any) -> dict[str, Any]:
    """A condition that a field is this value. An array that holds it is not it."""
    if value is MISSING:
        return {"$exists": False}
    if value is None:
        return {"$type": "null"}
    if isinstance(value, list):
        return {"$eq": value}
    return {"$eq": value, "$not": {"$type": "array"}}


def _under_null(sets: Document, made: Mapping[str, bool]) -> dict[str, Any]:
    """MongoDB makes an object that is missing, but none where null stands: there the object is set as a whole."""
    found: dict[str, Any] = {}
    for path, value in sets.items():
        parent = next((each for each, null in made.items() if null and path.startswith(f"{each}.")), None)
        if parent is None:
            found[path] = value
        else:
            put(found.setdefault(parent, {}), path[len(parent) + 1 :], value)
    return found


def put(target: dict[str, Any], path: str, value: Any) -> None:
    """Set a dotted path; the objects on the way are made."""
    *parents, last = path.split(".")
    for name in parents:
        target = target.setdefault(name, {})
    target[last] = value


def update_of(sets: Document, unset: Sequence[str]) -> dict[str, Any]:
    """An update of these fields."""
    update: dict[str, Any] = {}
    if sets:
        update["$set"] = dict(sets)
    if unset:
        update["$unset"] = dict.fromkeys(unset, "")
    return update


def remove(target: dict[str, Any], path: str) -> None:
    """Take away what is at a dotted path; it has to be there."""
    *parents, last = path.split(".")
    for name in parents:
        target = target[name]
    del target[last]


def changed(document: Document, image: Image) -> dict[str, Any]:
    """The document as the write makes it."""
    found = deepcopy(dict(document))
    for path, null in image.made:
        if null:
            put(found, path, {})
    for leaf in image.leaves:
        if leaf.after is MISSING:
            remove(found, leaf.path)
        else:
            put(found, leaf.path, leaf.after)
    return found
