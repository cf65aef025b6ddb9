"""How one document gets back to what it was before a run, whatever has become of it since. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from enum import StrEnum
from typing import Any

from migrations_app.domain.images import (
    MISSING,
    Image,
    Leaf,
    Write,
    digest,
    encode,
    equal,
    get,
    put,
    remove,
    same,
    update_of,
)
from migrations_app.domain.operations import Document


class Fate(StrEnum):
    """What a rollback makes of one document.

    RESTORED: byte for byte as it was. MERGED: others have changed it since; only our fields are taken back. CONFLICT:
    others have changed our fields; it is left alone. UNTOUCHED: our change never came to it, or is taken back already.
    GONE: it was deleted. LATER: it was changed again later in the same run, and that image counts.
    """

    RESTORED = "restored"
    MERGED = "merged"
    CONFLICT = "conflict"
    UNTOUCHED = "untouched"
    GONE = "gone"
    LATER = "later"


def back(image: Image, document: dict[str, Any] | None) -> tuple[Fate, Write | None]:
    """What becomes of the document as it is now, and the write for it; nothing is written without one."""
    if document is None:
        return Fate.GONE, None
    found = {leaf.path: get(document, leaf.path) for leaf in image.leaves}
    ours = [leaf for leaf in image.leaves if same(found[leaf.path], leaf.after)]
    foreign = [leaf for leaf in image.leaves if leaf not in ours and not same(found[leaf.path], leaf.before)]
    if foreign:
        return Fate.CONFLICT, None
    if not ours:
        return Fate.UNTOUCHED, None
    restored = deepcopy(document)
    emptied = _take_back(restored, ours, image)
    reordered = _reorder(restored, image)
    exact = digest(encode(restored)) == image.digest
    write = _whole(document, restored) if exact and reordered else _back_write(document, restored, ours, emptied)
    return (Fate.RESTORED if exact else Fate.MERGED), write


def _take_back(restored: dict[str, Any], ours: Sequence[Leaf], image: Image) -> list[str]:
    """Put our fields back; the objects that were made for them and are empty now go too."""
    for leaf in ours:
        if leaf.before is MISSING:
            remove(restored, leaf.path)
        else:
            put(restored, leaf.path, leaf.before)
    emptied = []
    for path, null in image.made:
        if _is_hollow(get(restored, path)):
            emptied.append(path)
            if null:
                put(restored, path, None)
            else:
                remove(restored, path)
    return emptied


def _is_hollow(value: Any) -> bool:
    """An object that holds nothing but such objects."""
    return isinstance(value, Mapping) and all(_is_hollow(each) for each in value.values())


def _reorder(restored: dict[str, Any], image: Image) -> bool:
    """Bring the fields of objects into their old order, where no field came or went; whether anything moved."""
    moved = False
    for path, names in image.orders:
        holder = get(restored, path) if path else restored
        if isinstance(holder, dict) and set(holder) == set(names) and tuple(holder) != names:
            old = dict(holder)
            holder.clear()
            holder.update({name: old[name] for name in names})
            moved = True
    return moved


def _whole(document: dict[str, Any], restored: dict[str, Any]) -> Write:
    return Write({"$expr": {"$eq": ["$$ROOT", {"$literal": document}]}}, {}, whole=restored)


def _back_write(document: Document, restored: Document, ours: Sequence[Leaf], emptied: Sequence[str]) -> Write:
    """Set or take away each of our fields; an object that goes as a whole only as it was read."""
    guard: dict[str, Any] = {path: equal(get(document, path)) for path in emptied}
    sets: dict[str, Any] = {}
    unset = []
    for path in emptied:
        if get(restored, path) is None:
            sets[path] = None
        else:
            unset.append(path)
    for leaf in ours:
        if any(leaf.path.startswith(f"{path}.") for path in emptied):
            continue
        guard[leaf.path] = equal(leaf.after)
        if leaf.before is MISSING:
            unset.append(leaf.path)
        else:
            sets[leaf.path] = leaf.before
    return Write(guard, update_of(sets, unset))
