"""The golden vectors in the Python client, and its OpenFeature provider."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nctool_flags import BadDocument, Evaluator
from nctool_flags.bucketing import js31_bucket, murmur3_bucket
from nctool_flags.openfeature import NctoolProvider
from nctool_flags.reading import read
from nctool_flags.snapshot import Snapshot
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason

from flags.domain import bucketing as servers
from tests.clients.misbehaving import document, flag

DATA = Path(__file__).parents[1] / "data"


def golden(name: str) -> Any:
    return json.loads((DATA / name).read_text())


def test_both_hashes_put_every_unit_where_the_server_does() -> None:
    assert [unit for unit, bucket in golden("js31.json") if js31_bucket(unit) != bucket] == []
    assert [unit for unit, salt, bucket in golden("murmur3.json") if murmur3_bucket(unit, salt) != bucket] == []


@given(st.text(st.characters()), st.text(max_size=16))
def test_both_hashes_are_the_servers_for_every_string(text: str, salt: str) -> None:
    assert js31_bucket(text) == servers.js31_bucket(text)
    assert murmur3_bucket(text, salt) == servers.murmur3_bucket(text, salt)


def test_decisions_are_those_of_the_golden_vectors() -> None:
    vectors = golden("decisions.json")
    flags, absent = Evaluator(vectors["snapshot"]), object()
    for case in vectors["cases"]:
        decision = flags.why(case["flag"], case["context"])
        no_value = decision.rule in ("disabled", "no-key")
        found = {"variant": decision.variant, "reason": decision.reason, "rule": decision.rule}
        found |= {} if no_value else {"value": decision.value}
        expected = {name: case[name] for name in ("value", "variant", "reason", "rule") if name in case}
        assert json.dumps(found, sort_keys=True) == json.dumps(expected, sort_keys=True), case
        assert (flags.value(case["flag"], case["context"], absent) is absent) == ("value" not in case) or not no_value


def test_a_datetime_is_a_moment() -> None:
    rule = {"attribute": "joined", "op": "before", "values": ["2026-01-01T00:00:00Z"]}
    early = flag("early", percentage=0, rules=[{"name": "r", "when": [rule], "percentage": 100, "serve": "on"}])
    flags = Evaluator(document(1, early))
    assert flags.is_on("early", {"joined": datetime(2025, 12, 31, tzinfo=UTC)})
    assert not flags.is_on("early", {"joined": datetime(2026, 1, 1, tzinfo=UTC)})
    assert not flags.is_on("early", {"joined": datetime(2025, 12, 31)})  # in which zone?


@pytest.fixture
def client() -> Iterator[OpenFeatureClient]:
    flags = Evaluator(
        document(
            7,
            flag("melt", percentage=25, parameters={"transactionTimeout": 30_000, "steps": [1]}),
            flag("off", enabled=False),
            flag("salted", bucketing="murmur3", salt="s", percentage=50),
            flag("colour", type="string", variants={"a": "red", "b": "blue"}, serve="a", off="b"),
            flag("limit", type="number", variants={"a": 5, "b": 1.5}, serve="a", off="b"),
            flag("half", type="number", variants={"a": 1.5, "b": 0}, serve="a", off="b"),
            flag("settings", type="json", variants={"a": {"x": 1}, "b": {}}, serve="a", off="b"),
        )
    )
    api.set_provider(NctoolProvider(flags), domain="nctool")
    yield api.get_client("nctool")
    api.clear_providers()


NPUB = EvaluationContext("user-1", {"plan": "pro"})  # js31 bucket 25


def test_openfeature_resolves_every_type_with_reasons_and_metadata(client: OpenFeatureClient) -> None:
    melt = client.get_boolean_details("melt", True, NPUB)
    assert (melt.value, melt.reason, melt.variant, melt.error_code) == (False, Reason.SPLIT, "off", None)
    why = {"rule": "percentage", "percentage": 25, "bucket": 25, "configVersion": 7}
    assert melt.flag_metadata == {"transactionTimeout": 30_000, **why}
    assert client.get_string_value("colour", "", NPUB) == "red"
    assert client.get_integer_value("limit", 0, NPUB) == 5
    assert repr(client.get_float_value("limit", 0.0, NPUB)) == "5.0"
    assert client.get_float_value("half", 0.0, NPUB) == 1.5
    assert client.get_object_value("settings", {}, NPUB) == {"x": 1}


@pytest.mark.parametrize(
    ("key", "context", "code"),
    [
        ("nosuch", NPUB, ErrorCode.FLAG_NOT_FOUND),
        ("salted", EvaluationContext(), ErrorCode.TARGETING_KEY_MISSING),
        ("colour", NPUB, ErrorCode.TYPE_MISMATCH),
        ("melt", EvaluationContext(5), ErrorCode.INVALID_CONTEXT),  # type: ignore[arg-type]
        ("off", NPUB, None),
    ],
)
def test_openfeature_gets_the_default_where_there_is_no_value(
    client: OpenFeatureClient, key: str, context: EvaluationContext, code: ErrorCode | None
) -> None:
    details = client.get_boolean_details(key, True, context)
    assert (details.value, details.error_code) == (True, code)
    assert details.reason == (Reason.ERROR if code else Reason.DISABLED)


def test_openfeature_takes_no_half_for_a_whole_number(client: OpenFeatureClient) -> None:
    details = client.get_integer_details("half", 7, NPUB)
    assert (details.value, details.error_code) == (7, ErrorCode.TYPE_MISMATCH)


def test_openfeature_answers_before_there_are_flags() -> None:
    api.set_provider(NctoolProvider(Evaluator()), domain="early")
    details = api.get_client("early").get_string_details("melt", "mine", NPUB)
    assert (details.value, details.error_code) == ("mine", ErrorCode.PROVIDER_NOT_READY)


def test_what_did_not_change_is_kept_with_its_counts_and_what_did_is_compiled_anew() -> None:
    keys = [f"flag-{number}" for number in range(50)]
    before = document(1, *(flag(key, percentage=50) for key in keys))
    first = Snapshot.read(json.dumps(before).encode(), {})
    for key in keys:
        assert first.decider(key)
    changed = {**before, "version": 2, "flags": [*before["flags"][:7], flag("new"), *before["flags"][8:]]}
    changed["flags"][20] = flag("flag-20", enabled=False)
    second = Snapshot.read(json.dumps(changed).encode(), {}, first)

    assert second.differences(first) == ["flag-20", "flag-7", "new"]
    assert second.texts == read(json.dumps(changed), {}).flags
    same = {key for key in second.flags if second.flags[key] is first.flags.get(key)}
    assert same == set(keys) - {"flag-7", "flag-20"}
    assert second.decider("flag-7") is None

    moved = Snapshot.read(json.dumps({**changed, "segments": {"s": []}}).encode(), {}, second)
    assert moved.flags.keys() == second.flags.keys()
    assert all(moved.flags[key] is not second.flags[key] for key in moved.flags)  # they may read the segment


@given(st.lists(st.sampled_from("abcdefgh"), unique=True), st.lists(st.sampled_from("abcdefgh"), unique=True))
def test_a_document_is_cut_the_same_whatever_was_known(old: list[str], new: list[str]) -> None:
    known = read(json.dumps(document(1, *map(flag, old)), indent=1), {}).flags
    known |= read(json.dumps(document(1, *map(flag, old))), {}).flags
    text = json.dumps({**document(2, *map(flag, new)), "later": ["]", {"flags": []}]})
    assert read(text, known) == read(text, {})
    assert {key: json.loads(found) for key, found in read(text, known).flags.items()} == {k: flag(k) for k in new}
    for end in range(len(text)):
        if end % 7 == 0:
            with pytest.raises(BadDocument):
                read(text[:end], known)
