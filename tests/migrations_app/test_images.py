"""Random documents, random changes, random meddling: what a rollback promises of one document."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import Decimal128, Int64, ObjectId
from hypothesis import given
from hypothesis import strategies as st

from migrations_app.domain.images import MISSING, Image, Impossible, changed, decode, encode, get, prepare, put, same
from migrations_app.domain.operations import Change
from migrations_app.domain.restoring import Fate, back

NAMES = st.sampled_from(["a", "b", "c", "d"])
PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.integers(2**40, 2**41).map(Int64),
    st.floats(allow_nan=False, width=32),
    st.text("xyz", max_size=3),
    st.sampled_from([Decimal128("1.50"), ObjectId("6b09630145043acc0b6e6901"), datetime(2025, 8, 11, 9, tzinfo=UTC)]),
    st.lists(st.integers(0, 3), max_size=2),
)
VALUES = st.recursive(PLAIN, lambda inner: st.dictionaries(NAMES, inner, max_size=3), max_leaves=6)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=4).map(lambda fields: {"_id": 1, **fields})
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(".".join)


def _apart(paths: list[str]) -> list[str]:
    """Those that are not within one another: a migration that changes both is refused."""
    return [
        path
        for path in dict.fromkeys(paths)
        if not any(path != other and f"{path}.".startswith(f"{other}.") for other in paths)
    ]


CHANGES = st.tuples(st.lists(PATHS, min_size=1, max_size=4).map(_apart), st.data())


def _change(paths: list[str], data: Any) -> Change:
    sets, unset = {}, []
    for path in paths:
        if data.draw(st.booleans()):
            sets[path] = data.draw(PLAIN)
        else:
            unset.append(path)
    return Change(sets, tuple(unset))


def _migrated(document: dict[str, Any], change: Change) -> tuple[Image, dict[str, Any]] | None:
    raw = encode(document)
    try:
        image, _ = prepare(raw, decode(raw), change)
    except Impossible:
        return None
    return Image.unpacked(decode(encode(image.packed()))), changed(decode(raw), image)


@given(DOCUMENTS, CHANGES)
def test_a_document_that_nobody_else_changed_gets_back_every_byte(document: dict[str, Any], given_: Any) -> None:
    done = _migrated(document, _change(*given_))
    if done is None:
        return
    image, after = done
    fate, write = back(image, copy.deepcopy(after))
    assert fate is Fate.RESTORED
    assert write is not None
    assert encode(_written(after, write)) == encode(document)
    assert back(image, decode(encode(document)))[0] is Fate.UNTOUCHED, "a second time does nothing"


@given(DOCUMENTS, CHANGES, PATHS, PLAIN)
def test_what_others_changed_since_stays_and_only_our_fields_go_back(
    document: dict[str, Any], given_: Any, path: str, value: Any
) -> None:
    done = _migrated(document, _change(*given_))
    if done is None:
        return
    image, after = done
    ours = [leaf.path for leaf in image.leaves]
    theirs = copy.deepcopy(after)
    if any(f"{path}.".startswith(f"{each}.") or f"{each}.".startswith(f"{path}.") for each in ours):
        return
    if get(theirs, path.rpartition(".")[0]) is MISSING and "." in path:
        return
    if "." in path and not isinstance(get(theirs, path.rpartition(".")[0]), dict):
        return
    put(theirs, path, value)

    fate, write = back(image, copy.deepcopy(theirs))
    assert fate in (Fate.MERGED, Fate.RESTORED)
    assert write is not None
    result = _written(theirs, write)
    assert same(get(result, path), value), "theirs stays"
    for leaf in image.leaves:
        assert same(get(result, leaf.path), leaf.before), "ours is back"


@given(DOCUMENTS, CHANGES)
def test_a_field_of_ours_that_others_changed_is_a_conflict_and_left_alone(
    document: dict[str, Any], given_: Any
) -> None:
    done = _migrated(document, _change(*given_))
    if done is None:
        return
    image, after = done
    leaf = image.leaves[0]
    theirs = copy.deepcopy(after)
    if leaf.after is MISSING and get(theirs, leaf.path.rpartition(".")[0]) is MISSING and "." in leaf.path:
        return
    put(theirs, leaf.path, "somebody else's")
    assert back(image, theirs) == (Fate.CONFLICT, None)


def test_a_deleted_document_is_gone() -> None:
    done = _migrated({"_id": 1}, Change({"a": 1}))
    assert done is not None
    assert back(done[0], None) == (Fate.GONE, None)


@pytest.mark.parametrize("value", ["text", 7, [1, 2]])
def test_a_path_through_what_is_no_object_cannot_be_set(value: Any) -> None:
    with pytest.raises(Impossible, match=r"metadata is \w+, no object"):
        prepare(encode({"_id": 1, "metadata": value}), {"_id": 1, "metadata": value}, Change({"metadata.a": 1}))


def _written(document: dict[str, Any], write: Any) -> dict[str, Any]:
    """What MongoDB makes of the document by this write."""
    if write.whole is not None:
        return dict(write.whole)
    found = copy.deepcopy(document)
    for path in write.update.get("$unset", {}):
        *parents, last = path.split(".")
        holder: Any = found
        for name in parents:
            holder = holder.get(name, {})
        holder.pop(last, None)
    for path, value in write.update.get("$set", {}).items():
        put(found, path, copy.deepcopy(value))
    return found
