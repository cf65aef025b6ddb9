"""What may be written about whom a flag is for, and how a refusal names the place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Invalid
from flags.domain.bucketing import Bucketing
from flags.domain.prerequisites import cycle, settled
from flags.domain.targeting import MAX_BYTES, check_conditions, check_targeting

IN = {"attribute": "country", "op": "in", "values": ["DE", "FR"]}


def check(data: object, **given: Any) -> dict[str, Any]:
    known = {"variants": ["on", "off"], "known_flags": {"other": ["on", "off"]}, "segments": ["beta", "staff"]}
    return check_targeting(data, **{**known, **given})


def one_rule(**fields: Any) -> dict[str, Any]:
    return {"rules": [{"name": "EU", "when": [IN], **fields}]}


def one(**fields: Any) -> dict[str, Any]:
    return one_rule(when=[{**IN, **fields}])


def test_targeting_is_kept_without_what_is_empty_and_repeated() -> None:
    assert check({}) == check({"rules": [], "prerequisites": []}) == {}
    assert check(json.dumps(one_rule(percentage=25.0)).encode()) == one_rule(percentage=25)
    assert check(one(values=["DE", "DE", 1, 1.0, True])) == one(values=["DE", 1, True])
    split = {"serve": [["on", 33.33], ["off", 66.67]], "off": "off"}
    assert check(split) == split


REFUSED: list[tuple[object, str, str]] = [
    ([], "targeting", "Write an object with prerequisites, rules, serve, off"),
    ("{", "targeting", "not JSON"),
    (b"\xff", "targeting", "not JSON"),
    ('{"a":' * 5_000, "targeting", "not JSON"),
    ({"serve": {"a"}}, "targeting", "not JSON"),
    ({"serve": "\ud800"}, "targeting", "not JSON"),
    ({"serve": 10**30}, "targeting", "not JSON"),
    ({"serve": "a\x00"}, "targeting", "NUL"),
    ({"rulez": []}, "targeting.rulez", "no such part. Parts: off, prerequisites, rules, serve."),
    ({"rules": {}}, "rules", "Write a list"),
    ({"rules": ["EU"]}, "rules[0]", "Write an object with name, when, percentage, serve"),
    ({"rules": [{"when": [IN]}]}, "rules[0].name", "is missing"),
    (one_rule(name=" "), "rules[0].name", "1 to 80 characters"),
    (one_rule(name="a\nb"), "rules[0].name", "1 to 80 characters"),
    (one_rule(name="x" * 81), "rules[0].name", "1 to 80 characters"),
    ({"rules": one_rule()["rules"] * 2}, "rules", "the name 'EU' is there twice"),
    ({"rules": one_rule()["rules"] * 51}, "rules", "51 items; it takes 0 to 50"),
    (one_rule(when=[]), "rules[0].when", "0 items; it takes 1 to 20"),
    (one_rule(when=[IN] * 21), "rules[0].when", "21 items; it takes 1 to 20"),
    (one_rule(percentage=101), "rules[0].percentage", "0 to 100"),
    (one_rule(percentage=True), "rules[0].percentage", "0 to 100"),
    (one_rule(percentage="10"), "rules[0].percentage", "0 to 100"),
    (one_rule(percentage=0.005), "rules[0].percentage", "steps of 0.01 percent"),
    (one_rule(serve="blue"), "rules[0].serve", "no variant 'blue'. Variants: off, on."),
    ({"off": "none"}, "off", "no variant 'none'"),
    ({"serve": []}, "serve", "0 items"),
    ({"serve": [["on", 50], ["off", 49.99]]}, "serve", "add up to 99.99, not to 100"),
    ({"serve": [["on", 50], ["on", 50]]}, "serve", "the variant 'on' is there twice"),
    ({"serve": [["on", 100.01]]}, "serve[0][1]", "0 to 100"),
    ({"serve": [["on"]]}, "serve[0]", "a variant with its percent"),
    (one(op="IN"), "rules[0].when[0].op", "no operator 'IN'"),
    (one(op="regex", values=["(a+)+$"]), "rules[0].when[0].op", "There are no regular expressions"),
    (one(op=None), "rules[0].when[0].op", "no operator None"),
    (one(attribute=""), "rules[0].when[0].attribute", "1 to 200 characters"),
    (one(attribute=5), "rules[0].when[0].attribute", "1 to 200 characters"),
    (one(values="DE"), "rules[0].when[0].values", "Write a list, not 'DE'"),
    (one(values=[]), "rules[0].when[0].values", "0 items; it takes 1 to 500"),
    (one(values=list(range(501))), "rules[0].when[0].values", "501 items"),
    (one(op="equals"), "rules[0].when[0].values", "2 items; it takes 1 to 1"),
    (one(values=[None]), "rules[0].when[0].values[0]", "a text, a number, true or false, not None"),
    (one(values=["DE", ["FR"]]), "rules[0].when[0].values[1]", "a text, a number, true or false"),
    (one(values=["x" * 201]), "rules[0].when[0].values[0]", "at most 200 characters, this one 201"),
    (one(values=[2**53]), "rules[0].when[0].values[0]", "clients read no other exactly"),
    (one(values=[float("nan")]), "rules[0].when[0].values[0]", "not nan"),
    (one(op="prefix", values=[""]), "rules[0].when[0].values[0]", "a text that is not empty"),
    (one(op="number_lt", values=["18"]), "rules[0].when[0].values[0]", "a number, not '18'"),
    (one(op="number_lt", values=[True]), "rules[0].when[0].values[0]", "a number, not True"),
    (one(op="semver_ge", values=["v2.0"]), "rules[0].when[0].values[0]", "for example 2.1.0, not 'v2.0'"),
    (one(op="after", values=["2026-03-01T09:00"]), "rules[0].when[0].values[0]", "a time with its offset"),
    (one(extra=1), "rules[0].when[0].extra", "no such part"),
    (one_rule(when=[{"attribute": "a", "op": "in"}]), "rules[0].when[0].values", "is missing"),
    (
        one_rule(when=[{"segment": "gone"}]),
        "rules[0].when[0].segment",
        "no segment 'gone' here. Segments: beta, staff.",
    ),
    (one_rule(when=[{"segment": "beta", **IN}]), "rules[0].when[0]", "put other conditions beside it"),
    (one_rule(when=[{"not_segment": ["beta"]}]), "rules[0].when[0].not_segment", "no segment"),
    (
        {"prerequisites": [{"flag": "x", "variants": ["on"]}]},
        "prerequisites[0].flag",
        "no other flag 'x'. Flags: other.",
    ),
    ({"prerequisites": [{"flag": "other", "variants": []}]}, "prerequisites[0].variants", "it takes 1 to 2"),
    ({"prerequisites": [{"flag": "other", "variants": ["blue"]}]}, "prerequisites[0].variants[0]", "no variant 'blue'"),
    ({"prerequisites": [{"flag": "other", "variants": ["on"]}] * 2}, "prerequisites", "'other' is there twice"),
    ({"prerequisites": [{"flag": "other", "variants": ["on"]}] * 11}, "prerequisites", "it takes 0 to 10"),
]


@pytest.mark.parametrize(("data", "place", "words"), REFUSED)
def test_a_refusal_names_the_place_and_what_would_be_right(data: object, place: str, words: str) -> None:
    with pytest.raises(Invalid) as refused:
        check(data)
    message = str(refused.value)
    assert message.startswith(f"{place}: ")
    assert words in message
    assert len(message) < 500
    assert refused.value.field == "targeting"


def test_too_much_is_refused_before_it_is_read() -> None:
    for data in (" " * 2**20, b"[" * 2**20, one(values=["x" * 190 + str(n) for n in range(400)])):
        with pytest.raises(Invalid, match=f"at most {MAX_BYTES:,} fit. Use a segment or an allow-list"):
            check(data)


def test_js31_flags_move_in_whole_percents_and_split_in_hundredths() -> None:
    with pytest.raises(Invalid, match="steps of 1 percent"):
        check(one_rule(percentage=2.5), bucketing=Bucketing.JS31)
    split = {"serve": [["on", 2.5], ["off", 97.5]]}
    assert check(split, bucketing=Bucketing.JS31) == split


def test_a_segment_has_conditions_and_no_segments() -> None:
    assert check_conditions([IN]) == check_conditions(json.dumps([IN])) == [IN]
    for data, words in (
        ([], "conditions: This list has 0 items"),
        ([{"segment": "beta"}], r"conditions\[0\].segment: A segment cannot be made of segments"),
        ({}, "conditions: Write a list"),
        ("x" * 2**20, "conditions: 1,048,576 bytes are too many"),
    ):
        with pytest.raises(Invalid, match=words) as refused:
            check_conditions(data)
        assert refused.value.field == "conditions"


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["EU", "in", "on"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["rules", "name", "when", "attribute", "op", "values", "segment", "serve", "off", "x"]),
            inner,
            max_size=4,
        )
    ),
)


@given(anything)
def test_whatever_is_sent_is_refused_or_kept_for_good(data: object) -> None:
    try:
        kept = check(data)
    except Invalid:
        return
    assert check(kept) == kept


@pytest.mark.parametrize(
    ("flags", "found"),
    [
        ({}, []),
        ({"a": ["b", "gone"], "b": ["c"], "c": []}, []),
        ({"a": ["a"]}, ["a", "a"]),
        ({"a": ["b"], "b": ["c"], "c": ["b"]}, ["b", "c", "b"]),
        ({"x": ["b"], "b": ["c"], "c": ["d", "x"], "d": []}, ["b", "c", "x", "b"]),
    ],
)
def test_a_circle_of_prerequisites_is_shown_whole(flags: dict[str, list[str]], found: list[str]) -> None:
    assert cycle(flags) == found


def test_a_chain_of_ten_thousand_is_no_circle_and_no_recursion() -> None:
    chain = {str(number): [str(number + 1)] for number in range(10_000)}
    assert cycle(chain) == []
    assert [*settled(chain)] == [str(number) for number in reversed(range(10_000))]
    assert len(cycle({**chain, "9999": ["0"]})) == 10_001
