"""Buckets are for ever: they agree with nctool's own JavaScript, and raising a percentage evicts nobody."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flags.domain.bucketing import JS31_BUCKETS, MURMUR3_BUCKETS, js31_bucket, js31_memo, murmur3_bucket, remember_js31

DATA = Path(__file__).parent.parent / "data"
every_text = st.text(st.characters(), max_size=80)  # st.characters() holds lone surrogates too


def naive_js31(text: str) -> int:
    """The seed's loop, step by step, in signed 32 bits."""
    units = (text or "anonymous").encode("utf-16-le", "surrogatepass")
    hashed = 0
    for low, high in zip(units[0::2], units[1::2], strict=True):
        hashed = (hashed * 31 + low + 256 * high) & 0xFFFF_FFFF
    return abs(hashed - (1 << 32) if hashed & 0x8000_0000 else hashed) % 100


def vectors(name: str) -> list[list[object]]:
    rows: list[list[object]] = json.loads((DATA / name).read_text(encoding="ascii"))
    assert len(rows) > 300
    return rows


def test_js31_equals_node_on_every_golden_vector() -> None:
    for bucket_of in (js31_bucket, remember_js31):
        assert [(unit, bucket) for unit, bucket in vectors("js31.json") if bucket_of(str(unit)) != bucket] == []


def test_murmur3_equals_node_on_every_golden_vector() -> None:
    rows = vectors("murmur3.json")
    wrong = [(unit, salt) for unit, salt, bucket in rows if murmur3_bucket(str(unit), str(salt)) != bucket]
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "bucket"),
    [
        ("", js31_bucket("anonymous")),
        ("polygenelubricants", 48),  # hashes to -2**31, whose Math.abs is 2147483648
        ("user-1", 25),
        ("😀user", 10),
        ("\ud83d\ude00user", 10),  # the same text as two code units, as JSON escapes may bring it
    ],
)
def test_js31_at_the_edges(text: str, bucket: int) -> None:
    assert js31_bucket(text) == bucket


@given(st.text(st.characters()) | st.text(st.characters(), min_size=690, max_size=720) | st.text("ab", min_size=600))
def test_js31_equals_the_seeds_loop_for_every_string(text: str) -> None:
    assert js31_bucket(text) == remember_js31(text) == naive_js31(text)
    assert js31_memo.get(text, naive_js31(text)) == naive_js31(text)


@given(every_text, st.text(max_size=16))
def test_a_salted_bucket_exists_for_every_string(text: str, salt: str) -> None:
    assert 0 <= murmur3_bucket(text, salt) < MURMUR3_BUCKETS


def test_shares_come_close_to_their_percentage_and_flags_are_independent() -> None:
    units = [f"npub1{number:058x}" for number in range(20_000)]
    js31 = sum(js31_bucket(unit) < 0.1 * JS31_BUCKETS for unit in units)
    one = {unit for unit in units if murmur3_bucket(unit, "one") < 0.1 * MURMUR3_BUCKETS}
    two = {unit for unit in units if murmur3_bucket(unit, "two") < 0.1 * MURMUR3_BUCKETS}

    assert 1_700 < js31 < 2_300
    assert 1_850 < len(one) < 2_150
    assert 130 < len(one & two) < 270  # 1 % of all, not 10 %
