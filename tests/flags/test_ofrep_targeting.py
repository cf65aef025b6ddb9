"""Values of every type, rules and context over OFREP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import FlagEvaluationDetails, Reason

from flags.api.ofrep import OfrepDoor
from flags.domain.bucketing import Bucketing
from flags.domain.configuration import FlagConfig, SegmentConfig
from flags.domain.values import ValueType
from tests.flags.ofrep_door import ALL, Reply, ask, door_of, held

PRO = ({"attribute": "plan", "op": "equals", "values": ["pro"]},)
RULES = [
    {"name": "EU", "when": [{"attribute": "country", "op": "in", "values": ["DE", "FR"]}], "serve": "blue"},
    {"name": "pro", "when": [{"segment": "pro"}], "percentage": 50},
]
COLOURS = {"red": "#f00", "blue": "#00f", "none": ""}
EVERYBODY = {"enabled": True, "percentage": Decimal(100)}
JSON = {"limits": {"a": 1}, "bucket": 5, "list": [1, None, "x"], "float": 2.0}


def typed(key: str, value_type: ValueType, variants: dict[str, Any], **fields: Any) -> FlagConfig:
    return FlagConfig(key, Bucketing.MURMUR3, "s", value_type=value_type, variants=variants, **{**EVERYBODY, **fields})


FLAGS = (
    typed("colour", ValueType.STRING, COLOURS, targeting={"rules": RULES, "off": "none"}),
    typed("float", ValueType.NUMBER, {"a": 1, "b": 0.5}),
    typed("integer", ValueType.NUMBER, {"a": 7, "b": 0}),
    typed("json", ValueType.JSON, {"a": JSON, "b": []}, percentage=Decimal("99.99")),
    typed("denied", ValueType.STRING, COLOURS, denied=frozenset({"npub1no"})),
    typed("disabled", ValueType.STRING, COLOURS, enabled=False),
    typed("split", ValueType.STRING, COLOURS, targeting={"serve": [["red", 50], ["blue", 50]]}),
    typed("needs", ValueType.STRING, COLOURS, targeting={"prerequisites": [{"flag": "disabled", "variants": ["red"]}]}),
    FlagConfig("plain", **EVERYBODY),
)


@pytest.fixture
def door(tmp_path: Any) -> OfrepDoor:
    return door_of(held(FLAGS, segments=(SegmentConfig("pro", PRO),)), tmp_path)


def evaluated(door: OfrepDoor, key: str, npub: str = "npub1x", **context: Any) -> Reply:
    return ask(door, f"{ALL}/{key}", {"context": {"targetingKey": npub, **context}})


@pytest.mark.parametrize(
    ("key", "context", "told"),
    [
        ("colour", {"country": "DE"}, ("#00f", "blue", "TARGETING_MATCH", {"rule": "rule", "ruleName": "EU"})),
        ("colour", {"plan": "pro"}, (None, None, "SPLIT", {"rule": "rule", "ruleName": "pro", "percentage": 50})),
        ("colour", {}, ("#f00", "red", "STATIC", {"rule": "percentage", "percentage": 100})),
        ("colour", {"country": ["DE"], "plan": {"pro": 1}}, ("#f00", "red", "STATIC", {"rule": "percentage"})),
        ("float", {}, (1.0, "a", "STATIC", {})),
        ("integer", {}, (7, "a", "STATIC", {})),
        ("json", {}, (JSON, "a", "SPLIT", {"rule": "percentage", "percentage": 99.99})),
        ("denied", {"targetingKey": "npub1no"}, ("", "none", "TARGETING_MATCH", {"rule": "deny-list"})),
        ("needs", {}, ("", "none", "TARGETING_MATCH", {"rule": "prerequisite", "prerequisite": "disabled"})),
        ("split", {}, (None, None, "SPLIT", {"rule": "percentage", "percentage": 100})),
    ],
)
def test_the_context_reaches_the_rules_and_the_value_has_its_type(
    door: OfrepDoor, key: str, context: dict[str, Any], told: tuple[Any, ...]
) -> None:
    reply = evaluated(door, key, **context)
    value, variant, reason, metadata = told
    assert (reply.status, reply.body["reason"]) == (200, reason)
    if variant is not None:
        assert (reply.body["value"], reply.body["variant"]) == (value, variant)
        assert type(reply.body["value"]) is type(value)
    assert reply.body["metadata"].items() >= metadata.items()
    together = ask(door, body={"context": {"targetingKey": "npub1x", **context}}).body["flags"]
    del reply.body["metadata"]["configVersion"]
    assert [one for one in together if one["key"] == key] == [reply.body]


def test_a_disabled_flag_of_any_type_has_no_value(door: OfrepDoor) -> None:
    body = evaluated(door, "disabled").body
    assert (body["reason"], body["variant"], "value" in body) == ("DISABLED", "none", False)


def test_a_split_without_a_unit_asks_for_one(door: OfrepDoor) -> None:
    reply = ask(door, f"{ALL}/split", {"context": {"country": "DE"}})
    assert (reply.status, reply.body["errorCode"]) == (400, "TARGETING_KEY_MISSING")


def test_the_etag_of_all_flags_covers_the_attributes_that_decide_and_no_others(door: OfrepDoor) -> None:
    """A page that many units share is put together with what only this context gets."""

    def etag(**context: Any) -> str:
        return ask(door, body={"context": {"targetingKey": "npub1x", **context}}).headers["etag"]

    assert etag(country="DE") != etag(country="US") == etag() == etag(theme="dark")
    seen = {"context": {"targetingKey": "npub1x", "country": "US"}}
    assert ask(door, body=seen, HTTP_IF_NONE_MATCH=etag()).status == 304
    assert ask(door, body=seen, HTTP_IF_NONE_MATCH=etag(country="DE")).status == 200


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def client(door: OfrepDoor) -> Iterator[OpenFeatureClient]:
    """The stock Python client, over HTTP."""
    with make_server("127.0.0.1", 0, door, handler_class=_Quiet) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        provider = OFREPProvider(url, headers_factory=lambda: {"Authorization": "Bearer good"})
        api.set_provider(provider, domain="typed")
        yield api.get_client("typed")
        server.shutdown()


def test_the_stock_client_reads_values_of_every_type(client: OpenFeatureClient) -> None:
    def shown(details: FlagEvaluationDetails[Any]) -> tuple[Any, ...]:
        return details.value, details.variant, details.reason, details.error_code

    german = EvaluationContext("npub1x", {"country": "DE"})
    colour = client.get_string_details("colour", "mine", german)
    assert shown(colour) == ("#00f", "blue", Reason.TARGETING_MATCH, None)
    assert colour.flag_metadata["ruleName"] == "EU"
    assert shown(client.get_float_details("float", 9.5, german)) == (1.0, "a", Reason.STATIC, None)
    assert shown(client.get_integer_details("integer", 9, german)) == (7, "a", Reason.STATIC, None)
    assert shown(client.get_object_details("json", {}, german)) == (JSON, "a", Reason.SPLIT, None)
    assert shown(client.get_string_details("disabled", "mine", german))[0::2] == ("mine", Reason.DISABLED)
    assert client.get_string_details("split", "mine").error_code is ErrorCode.TARGETING_KEY_MISSING
    wrong = client.get_boolean_details("colour", True, german)
    assert (wrong.value, wrong.error_code) == (True, ErrorCode.TYPE_MISMATCH)
