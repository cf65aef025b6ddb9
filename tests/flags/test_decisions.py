"""Golden vectors, and any configuration at all: the fast code answers as the rules read."""

from __future__ import annotations

import json
from itertools import groupby
from typing import Any

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from flags.domain.decision import Decision
from flags.domain.document import document, pieces, read_document
from flags.domain.snapshot import Snapshot
from flags.domain.targeting import check_targeting
from tests.data import make_decisions
from tests.data.make_decisions import FLAGS, NUMBERS, OPERATORS, SCALARS, SEGMENTS, TIMES, VERSIONS, flag, rule, when
from tests.flags import naive

GOLDEN = json.loads((settings.BASE_DIR / "tests" / "data" / "decisions.json").read_text())
BY_FLAG = {key: [*cases] for key, cases in groupby(GOLDEN["cases"], key=lambda case: case["flag"])}


def told(decision: Decision) -> dict[str, Any]:
    """As a golden vector tells it."""
    value = {"value": decision.value} if decision.has_value else {}
    return {**value, "variant": decision.variant, "reason": decision.reason, "rule": decision.rule}


def in_json(answer: dict[str, Any]) -> str:
    """Texts can be told apart where Python sees the same: true is not 1 in JSON."""
    return json.dumps(answer, sort_keys=True)


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return Snapshot(read_document(GOLDEN["snapshot"]))


@pytest.mark.parametrize("key", BY_FLAG)
def test_the_server_answers_as_the_golden_vectors_say(snapshot: Snapshot, key: str) -> None:
    for case in BY_FLAG[key]:
        context, expected = (
            case["context"],
            {name: case[name] for name in ("value", "variant", "reason", "rule") if name in case},
        )
        unit = context.get("targetingKey") or ""
        decision = snapshot.decide(key, unit, context)
        assert in_json(told(decision)) == in_json(expected), (key, context)
        assert snapshot.decide_all(unit, context)[key] == decision


def test_the_golden_vectors_are_what_their_generator_makes() -> None:
    assert json.dumps(make_decisions.document()) == json.dumps(GOLDEN["snapshot"])
    assert [(case["flag"], case["context"]) for case in GOLDEN["cases"]] == make_decisions.asked()
    for case in GOLDEN["cases"]:
        assert {**case, **naive.decide(GOLDEN["snapshot"], case["flag"], case["context"])} == case


def test_a_document_is_read_as_it_was_written() -> None:
    config = read_document(GOLDEN["snapshot"])
    assert json.loads(document(config, pieces(config, {}))) == GOLDEN["snapshot"]


def test_the_targeting_of_the_golden_flags_may_be_written() -> None:
    variants = {flag["key"]: flag["variants"] for flag in FLAGS} | {"gone": {"on": True}}
    segments = {*SEGMENTS, "gone"}
    for flag_ in FLAGS:
        wanted = {name: flag_[name] for name in ("prerequisites", "rules", "serve", "off")}
        kept = check_targeting(wanted, variants=flag_["variants"], known_flags=variants, segments=segments)
        assert kept == {name: value for name, value in wanted.items() if value}


SERVES = ["on", "off", [["on", 50], ["off", 50]], [["off", 0.01], ["on", 99.99]], [["on", 100]]]
values = st.sampled_from(SCALARS + NUMBERS + VERSIONS + TIMES) | st.text(max_size=3) | st.integers() | st.floats()
attributes = st.sampled_from(["a", "b", "targetingKey"])
conditions = st.one_of(
    st.builds(lambda attribute, known: when(attribute, known[1], *known[2]), attributes, st.sampled_from(OPERATORS)),
    st.sampled_from([{"segment": "s"}, {"not_segment": "s"}, {"segment": "t"}, {"not_segment": "gone"}]),
)
percentages = st.sampled_from([0, 1, 25, 50, 99, 100])
rules = st.builds(
    lambda name, found, percentage, serve: rule(*found, name=name, percentage=percentage, serve=serve),
    st.text(max_size=3),
    st.lists(conditions, max_size=3),
    percentages,
    st.sampled_from(SERVES),
)
KEYS = [f"flag-{number}" for number in range(6)]
UNITS = ["", "npub1alice", "npub1bob", "user-1", "é"]
lists = st.lists(st.sampled_from(UNITS[1:]), max_size=2, unique=True)
flags = st.builds(
    flag,
    st.sampled_from(KEYS),
    enabled=st.integers(0, 9).map(bool),
    bucketing=st.sampled_from(["js31", "murmur3"]),
    salt=st.sampled_from(["s", "t"]),
    percentage=percentages,
    serve=st.sampled_from(SERVES),
    allow=lists,
    deny=lists,
    prerequisites=st.lists(
        st.builds(
            lambda key, wanted: {"flag": key, "variants": wanted},
            st.sampled_from(KEYS),
            st.sampled_from([["on"], ["off"], ["on", "off"]]),
        ),
        max_size=2,
    ),
    rules=st.lists(rules, max_size=3),
)
segments = st.fixed_dictionaries(
    {"s": st.lists(st.builds(lambda known: when("a", known[1], *known[2]), st.sampled_from(OPERATORS)), max_size=2)},
    optional={"t": st.just([when("targetingKey", "prefix", "npub1")])},
)


@given(
    st.lists(flags, min_size=1, unique_by=lambda flag: flag["key"]),
    segments,
    st.dictionaries(st.sampled_from(["a", "b"]), values),
    st.sampled_from(UNITS),
)
def test_compiled_and_naive_agree_on_everything(
    found: list[dict[str, Any]], shared: dict[str, Any], context: dict[str, Any], unit: str
) -> None:
    document = {**make_decisions.document(), "segments": shared, "flags": found}
    snapshot = Snapshot(read_document(document))
    context = {**context, "targetingKey": unit}
    everything = snapshot.decide_all(unit, context)
    for one in found:
        decision = snapshot.decide(one["key"], unit, context)
        assert in_json(told(decision)) == in_json(naive.decide(document, one["key"], context))
        assert everything[one["key"]] == decision
        assert snapshot.is_on(one["key"], unit, context) == (decision.has_value and decision.value)
        assert snapshot.value_of(one["key"], unit, "mine", context) == (
            decision.value if decision.has_value else "mine"
        )
        assert decision.why
    bucket = snapshot.shared_bucket(unit)
    if bucket is not None:
        assert snapshot.of_bucket(bucket) | snapshot.own(unit, context, bucket) == everything
