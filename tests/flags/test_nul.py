"""The character NUL is refused, and nothing that only looks like it."""

from __future__ import annotations

import orjson
from hypothesis import example, given
from hypothesis import strategies as st

from flags.domain.values import holds_nul

pieces = st.lists(st.sampled_from(["\\", "u0000", "\x00", '"', "x", "\n"]), max_size=8).map("".join)


@given(text=pieces)
@example(text="\\u0000")
@example(text="\\\x00")
def test_a_nul_is_found_wherever_it_stands_and_only_then(text: str) -> None:
    assert holds_nul(orjson.dumps({text: [text]})) == ("\x00" in text)
