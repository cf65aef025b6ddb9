"""A chain in memory, attacked in every way: what was done is found, and named."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.domain import chain, form, heads
from audit.domain.chain import Link
from audit.domain.findings import Finding, Result, Wrong
from audit.domain.heads import Head
from audit.domain.ranges import ranges
from audit.domain.walk import Walk
from core.errors import Invalid
from core.stored import StoredEvent

TIME = "2025-08-11 09:00:00.000000"
LENGTH = 9
Rows = dict[int, StoredEvent]


def event(pk: int, **changes: object) -> StoredEvent:
    made = StoredEvent(pk, TIME, "flag.x", "flag:a", 4, "olga", "person", "why", '{"share": 1}', '{"share": 2}', "{}")
    return made._replace(**changes)


def extend(links: list[Link], rows: list[StoredEvent], name: str = "production") -> list[Link]:
    found = list(links)
    for row in rows:
        number, previous = len(found) + 1, found[-1].digest if found else chain.start(name)
        said = (number, row.id, form.VERSION, form.content(row), TIME, "", previous)
        found.append(Link(*said, chain.digest(*said)))
    return found


def whole() -> tuple[list[Link], Rows, Head]:
    """Events 10, 20, 30 … and their seals."""
    rows = [event(10 * number) for number in range(1, LENGTH + 1)]
    links = extend([], rows)
    return links, {row.id: row for row in rows}, top(links)


def top(links: list[Link]) -> Head:
    return Head("production", links[-1].number, links[-1].digest.hex(), TIME)


def walk(links: list[Link], rows: Rows, head: Head, *kept: Head) -> list[Finding]:
    result = Result()
    walker = Walk("production", result, {each.number: each for each in kept})
    for link in sorted(links, key=lambda link: link.number):
        walker.step(link, rows.get(link.event))
    walker.end(head)
    return result.findings


def told(found: list[Finding]) -> list[tuple[Wrong, int | None]]:
    return [(each.wrong, each.number) for each in found]


def test_a_chain_nobody_touched_is_sound() -> None:
    links, rows, head = whole()
    assert walk(links, rows, head, head) == []


@given(at=st.integers(1, LENGTH), field=st.sampled_from(StoredEvent._fields[1:]), extra=st.characters(codec="utf-8"))
def test_any_change_of_any_field_of_an_event_is_found_and_named(at: int, field: str, extra: str) -> None:
    links, rows, head = whole()
    before = getattr(rows[10 * at], field)
    change = (
        5
        if field == "environment_id"
        else f'"{ord(extra)}"'
        if field in ("before", "after", "data")
        else before + extra
    )
    rows[10 * at] = rows[10 * at]._replace(**{field: change})
    (found,) = walk(links, rows, head)
    assert (found.wrong, found.number, found.event, found.since) == (Wrong.CHANGED, at, 10 * at, TIME)


@given(at=st.integers(1, LENGTH))
def test_a_removed_event_is_found_and_named(at: int) -> None:
    links, rows, head = whole()
    del rows[10 * at]
    (found,) = walk(links, rows, head)
    assert (found.wrong, found.number, found.event) == (Wrong.REMOVED, at, 10 * at)


@given(at=st.integers(1, LENGTH), length=st.integers(1, 3))
def test_events_removed_with_their_seals_leave_a_gap(at: int, length: int) -> None:
    links, rows, head = whole()
    gone = range(at, min(at + length, LENGTH + 1))
    (found,) = walk([link for link in links if link.number not in gone], rows, head)
    assert (found.wrong, found.number) == (Wrong.TAIL if gone[-1] == LENGTH else Wrong.GAP, at)


@given(pair=st.lists(st.integers(1, LENGTH), min_size=2, max_size=2, unique=True))
def test_two_seals_that_changed_places_are_both_named(pair: list[int]) -> None:
    links, rows, head = whole()
    one, other = pair
    moved = {one: links[other - 1]._replace(number=one), other: links[one - 1]._replace(number=other)}
    found = walk([moved.get(link.number, link) for link in links], rows, head)
    assert {(each.wrong, each.number) for each in found if each.wrong is Wrong.REORDERED} == {
        (Wrong.REORDERED, one),
        (Wrong.REORDERED, other),
    }
    assert {each.number for each in found} <= {one, other}


@given(at=st.integers(1, LENGTH - 1))
def test_an_event_changed_together_with_its_own_seal_is_found_at_that_seal(at: int) -> None:
    links, rows, head = whole()
    rows[10 * at] = rows[10 * at]._replace(actor="mallory")
    said = (*links[at - 1][:3], form.content(rows[10 * at]), *links[at - 1][4:7])
    links[at - 1] = Link(*said, chain.digest(*said))
    (found,) = walk(links, rows, head)
    assert (found.wrong, found.number) == (Wrong.REWRITTEN, at + 1)
    assert f"event {10 * at}" in found.text


@given(at=st.integers(1, LENGTH))
def test_a_tail_written_anew_with_its_head_is_found_by_a_head_that_was_kept(at: int) -> None:
    links, rows, head = whole()
    rows[10 * at] = rows[10 * at]._replace(actor="mallory")
    forged = extend(links[: at - 1], [rows[link.event] for link in links[at - 1 :]])
    assert walk(forged, rows, top(forged)) == []  # the chain alone cannot know
    early = top(links[: at - 1]) if at > 1 else top(links)
    (found,) = walk(forged, rows, top(forged), early, head)
    assert (found.wrong, found.number) == (Wrong.TAIL, LENGTH)
    assert f"from {at} on" in found.text


@given(at=st.integers(0, LENGTH - 1))
def test_a_tail_cut_off_with_its_head_is_found_by_a_head_that_was_kept(at: int) -> None:
    links, rows, head = whole()
    cut = top(links[:at]) if at else Head("production", 0, chain.start("production").hex(), "")
    assert told(walk(links[:at], rows, cut, head)) == [(Wrong.TAIL, LENGTH)]


def test_seals_beyond_the_head_are_found() -> None:
    links, rows, _ = whole()
    assert told(walk(links, rows, top(links[:6]))) == [(Wrong.TAIL, 7)]


def test_an_event_that_was_not_there_when_the_sealer_had_sealed_everything_was_inserted_later() -> None:
    links, rows, _ = whole()
    forged, looked = event(999), "2025-08-11 11:30:00.000000"
    said = (LENGTH + 1, 999, form.VERSION, form.content(forged), looked, looked, links[-1].digest)
    links.append(Link(*said, chain.digest(*said)))
    (found,) = walk(links, {**rows, 999: forged}, top(links))
    assert (found.wrong, found.event, found.since) == (Wrong.INSERTED, 999, looked)


def test_one_change_is_told_once_and_the_walk_goes_on() -> None:
    links, rows, head = whole()
    rows[20] = rows[20]._replace(actor="mallory")
    del rows[70]
    assert told(walk(links, rows, head)) == [(Wrong.CHANGED, 2), (Wrong.REMOVED, 7)]


@pytest.mark.parametrize(
    "twisted",
    [
        lambda head: replace(head, number=head.number + 1),
        lambda head: replace(head, digest="00" * 32),
        lambda head: replace(head, chain="staging"),
        lambda head: replace(head, sealed_at=""),
        lambda head: replace(head, signature=""),
        lambda head: heads.sign(head, heads.private_key(base64.b64encode(bytes(32)).decode())),
    ],
)
def test_a_signature_holds_for_exactly_one_head_and_one_key(twisted: Callable[[Head], Head]) -> None:
    key = heads.private_key(base64.b64encode(bytes(range(32))).decode())
    head = heads.sign(whole()[2], key)
    trusted = [heads.public_text(key)]
    assert heads.flaw(head, trusted) == ""
    assert heads.flaw(twisted(head), trusted) != ""
    (same,) = heads.read(orjson.dumps({"heads": [head.to_dict()]}))
    assert same == head


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"heads": [{"chain": "a"}]}', '[{"digest": "zz"}]'])
def test_a_file_that_holds_no_heads_is_refused_with_the_way_to_make_one(text: str) -> None:
    with pytest.raises(Invalid, match="audit head --json"):
        heads.read(text)


@given(
    st.lists(st.sampled_from(["1", "10000000000000000000000", "NaN", '"\\ud800"', "0.1", "{}", "not JSON"]), min_size=1)
)
def test_the_form_takes_whatever_a_database_holds_and_tells_each_from_another(values: list[str]) -> None:
    texts = {value: form.content(event(1, data=value)) for value in values}
    assert len(set(texts.values())) == len(texts)
    assert form.content(event(1, data="10000000000000000000001")) not in texts.values()


@given(st.sets(st.integers(1, 60)))
def test_ranges_are_short_and_say_exactly_the_numbers(numbers: set[int]) -> None:
    found = ranges(sorted(numbers))
    assert {each for first, last in found for each in range(first, last + 1)} == numbers
    assert all(before[1] + 1 < after[0] for before, after in pairwise(found))


def test_the_form_of_today_is_the_form_of_ever() -> None:
    """What was sealed by form 1 must be read by form 1 in ten years, also by a program of somebody else."""
    row = event(7, data='{"b": [1, 2.5, null], "a": "ü"}', environment_id=None)
    text = (
        '[7,"2025-08-11 09:00:00.000000","flag.x","flag:a",null,"olga","person","why",'
        '{"share":1},{"share":2},{"a":"ü","b":[1,2.5,null]}]'
    )
    assert form.content(row) == sha256(text.encode()).digest()
