"""The OFREP door as the protocol and the stock clients need it, asked as a bare WSGI callable."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flags.api.ofrep import MAX_BODY, OfrepDoor
from flags.domain.bucketing import Bucketing, murmur3_bucket
from flags.domain.configuration import FlagConfig
from flags.services.holding import Held, Source
from tests.flags.ofrep_door import ALL, ask, door_of, held, unit

PARAMETERS = {"transactionTimeout": 30000, "fallbackToLegacy": True, "ratio": 0.5, "steps": [1, 2], "nothing": None}
ON = {"enabled": True, "parameters": PARAMETERS}
FLAGS = (
    FlagConfig("split", percentage=Decimal(26), allowed=frozenset({"npub1vip"}), **ON),
    FlagConfig("everybody", percentage=Decimal(100), **ON),
    FlagConfig("killed", percentage=Decimal(0), parameters=PARAMETERS),
    FlagConfig("salted", Bucketing.MURMUR3, "s", percentage=Decimal("12.5"), **ON),
)


@pytest.fixture
def door(tmp_path: Any) -> OfrepDoor:
    return make_door(tmp_path)


def make_door(tmp_path: Any, **given: Any) -> OfrepDoor:
    return door_of(held(FLAGS), tmp_path, **given)


@pytest.mark.parametrize(
    ("key", "npub", "expected"),
    [
        ("split", "user-1", {"value": True, "variant": "on", "reason": "SPLIT"}),  # bucket 25
        ("split", "user-123", {"value": False, "variant": "off", "reason": "SPLIT"}),  # bucket 72
        ("split", "npub1vip", {"value": True, "variant": "on", "reason": "TARGETING_MATCH"}),
        ("everybody", "user-1", {"value": True, "variant": "on", "reason": "STATIC"}),
        ("killed", "user-1", {"variant": "off", "reason": "DISABLED"}),
    ],
)
def test_one_flag_is_answered_with_reason_variant_and_why(
    door: OfrepDoor, key: str, npub: str, expected: dict[str, Any]
) -> None:
    reply = ask(door, f"{ALL}/{key}", unit(npub))

    assert reply.status == 200
    metadata = reply.body.pop("metadata")
    assert reply.body == {"key": key, **expected}
    assert metadata["configVersion"] == 7
    assert metadata["rule"] in {"disabled", "allow-list", "percentage"}
    assert (metadata["transactionTimeout"], metadata["fallbackToLegacy"], metadata["ratio"]) == (30000, True, 0.5)
    assert metadata["steps"] == "[1,2]"
    assert all(isinstance(value, str | int | float) for value in metadata.values())


def test_all_flags_are_answered_at_once_and_a_failure_stands_among_them(door: OfrepDoor) -> None:
    reply = ask(door, body=unit("user-1"))
    single = [ask(door, f"{ALL}/{flag.key}", unit("user-1")).body for flag in FLAGS]
    assert {body["metadata"].pop("configVersion") for body in single} == {7}  # told once for all flags below
    assert reply.status == 200
    assert reply.body == {"flags": single, "metadata": {"environment": "production", "configVersion": 7}}

    nobody = {flag["key"]: flag for flag in ask(door, body={}).body["flags"]}
    assert nobody["salted"]["errorCode"] == "TARGETING_KEY_MISSING"
    assert nobody["split"]["metadata"]["bucket"] == 75  # the seed's 'anonymous'


def test_a_missing_key_is_an_error_only_where_a_key_is_needed(door: OfrepDoor) -> None:
    for body in ({}, {"context": {}}, {"context": {"targetingKey": None}}, {"context": {"targetingKey": ""}}):
        assert ask(door, f"{ALL}/everybody", body).status == 200
        reply = ask(door, f"{ALL}/salted", body)
        assert (reply.status, reply.body["errorCode"], reply.body["key"]) == (400, "TARGETING_KEY_MISSING", "salted")
        assert reply.body["errorDetails"]


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "PARSE_ERROR"),
        (b"{", 400, "PARSE_ERROR"),
        (b"\xff\xfe", 400, "PARSE_ERROR"),
        (b"[]", 400, "PARSE_ERROR"),
        (b'{"a":"\\ud800"' + b"[" * 60_000, 400, "PARSE_ERROR"),
        (b"[" * 60_000, 400, "PARSE_ERROR"),
        ({"context": []}, 400, "INVALID_CONTEXT"),
        ({"context": None}, 400, "INVALID_CONTEXT"),
        ({"context": {"targetingKey": 5}}, 400, "INVALID_CONTEXT"),
        ({"context": {"targetingKey": ["npub"]}}, 400, "INVALID_CONTEXT"),
        (b" " * (MAX_BODY + 1), 413, "GENERAL"),
    ],
)
@pytest.mark.parametrize("key", [None, "split"])
def test_a_bad_body_is_refused_with_what_clients_need(
    door: OfrepDoor, key: str | None, body: Any, status: int, code: str, chunked: bool
) -> None:
    reply = ask(door, ALL if key is None else f"{ALL}/{key}", body, chunked=chunked)
    assert (reply.status, reply.body["errorCode"], reply.body.get("key")) == (status, code, key)
    assert reply.body["errorDetails"]


@pytest.mark.parametrize("key", ["nope", "a/b", "with blank", "ключ", "k" * 500, ""])
def test_an_unknown_flag_is_404_with_its_key(door: OfrepDoor, key: str) -> None:
    reply = ask(door, f"{ALL}/{key}", unit("user-1"))
    assert (reply.status, reply.body["errorCode"], reply.body["key"]) == (404, "FLAG_NOT_FOUND", key[:200])
    assert reply.body["errorDetails"]


def test_other_addresses_and_methods_are_refused(door: OfrepDoor) -> None:
    assert ask(door, "/ofrep/v1/configuration").status == 404
    for method in ("GET", "PUT", "DELETE", "HEAD"):
        reply = ask(door, method=method)
        assert (reply.status, reply.headers["allow"]) == (405, "POST, OPTIONS")


@pytest.mark.parametrize(
    ("environ", "status"),
    [
        ({"HTTP_AUTHORIZATION": "bearer good"}, 200),
        ({"HTTP_AUTHORIZATION": "", "HTTP_X_API_KEY": "good"}, 200),
        ({"HTTP_AUTHORIZATION": ""}, 401),
        ({"HTTP_AUTHORIZATION": "Bearer"}, 401),
        ({"HTTP_AUTHORIZATION": "Bearer bad"}, 401),
        ({"HTTP_AUTHORIZATION": "Basic good"}, 401),
        ({"HTTP_AUTHORIZATION": "Bearer \xff\x00"}, 401),
        ({"HTTP_AUTHORIZATION": "Bearer poor"}, 403),
        ({"CONTENT_TYPE": "application/json; charset=utf-8"}, 200),
        ({"CONTENT_TYPE": "Application/JSON;charset=UTF-8"}, 200),
        ({"CONTENT_TYPE": "text/plain"}, 415),
        ({"CONTENT_TYPE": ""}, 415),
        ({"CONTENT_LENGTH": "abc"}, 400),
    ],
)
def test_who_may_ask_and_in_which_form(door: OfrepDoor, environ: dict[str, str], status: int) -> None:
    reply = ask(door, **environ)
    assert reply.status == status
    if status != 200:
        assert reply.body["errorDetails"]
    if status == 401:
        assert reply.headers["www-authenticate"] == "Bearer"


def test_a_token_sees_only_its_environment(door: OfrepDoor) -> None:
    assert ask(door, HTTP_AUTHORIZATION="Bearer other").body["flags"] == []
    assert ask(door, f"{ALL}/split", HTTP_AUTHORIZATION="Bearer other").status == 404


def test_an_etag_lasts_as_long_as_the_answer(door: OfrepDoor) -> None:
    first = ask(door, body=unit("user-1"))
    etag = first.headers["etag"]
    for seen in (etag, f"W/{etag}", f'"other", W/{etag}'):
        again = ask(door, body=unit("user-1"), HTTP_IF_NONE_MATCH=seen)
        assert (again.status, again.body, again.headers["etag"]) == (304, None, etag)
    assert ask(door, body=unit("user-123"), HTTP_IF_NONE_MATCH=etag).status == 200  # another context
    assert ask(door, body=unit("user-1"), HTTP_IF_NONE_MATCH='"other"').status == 200
    door._holder.held = held(FLAGS, version=8)
    changed = ask(door, body=unit("user-1"), HTTP_IF_NONE_MATCH=etag)
    assert (changed.status, changed.body["metadata"]["configVersion"]) == (200, 8)


def test_units_that_share_a_bucket_share_an_answer_and_listed_ones_do_not(tmp_path: Any) -> None:
    door = make_door(tmp_path)
    door._holder.held = held(FLAGS[:3])
    listed = ask(door, body=unit("npub1vip"))
    assert ask(door, body=unit("user-1")).headers["etag"] == ask(door, body=unit("user-1")).headers["etag"]
    assert listed.body["flags"][0]["reason"] == "TARGETING_MATCH"


def test_salted_answers_are_right_for_every_unit_though_only_halves_are_kept(tmp_path: Any) -> None:
    door = make_door(tmp_path)
    tricky = {"text": '"bucket":1234', "list": ['"bucket":5'], "n": 1}
    flags = (FlagConfig("s", Bucketing.MURMUR3, "s", True, Decimal(50), parameters=tricky),)
    door._holder.held = held(flags)
    for number in range(200):
        bucket = murmur3_bucket(f"npub1{number}", "s")
        told = ask(door, body=unit(f"npub1{number}")).body["flags"][0]
        assert (told["value"], told["metadata"]["bucket"]) == (bucket < 5000, bucket)
        assert (told["metadata"]["text"], told["metadata"]["list"]) == ('"bucket":1234', '["\\"bucket\\":5"]')


def test_a_token_that_comes_too_often_is_told_when_to_come_again(tmp_path: Any) -> None:
    door = make_door(tmp_path, limit=3)
    replies = [ask(door, f"{ALL}/split") for _ in range(8)]
    refused = [reply for reply in replies if reply.status == 429]
    assert len(refused) >= 4  # a new minute may begin once in between
    assert all(1 <= int(reply.headers["retry-after"]) <= 60 for reply in refused)
    assert (refused[0].body["errorCode"], refused[0].body["key"]) == ("GENERAL", "split")
    assert ask(door, HTTP_AUTHORIZATION="Bearer other").status == 200


def test_browsers_are_let_in_as_configured(tmp_path: Any) -> None:
    preflight = ask(make_door(tmp_path), f"{ALL}", b"", method="OPTIONS", HTTP_AUTHORIZATION="")
    assert preflight.status == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "if-none-match" in preflight.headers["access-control-allow-headers"]
    assert "content-length" not in preflight.headers

    strict = make_door(tmp_path, origins=("https://wallet.example",))
    ours, theirs = (ask(strict, HTTP_ORIGIN=origin) for origin in ("https://wallet.example", "https://evil.example"))
    assert ours.headers["access-control-allow-origin"] == "https://wallet.example"
    assert ours.headers["access-control-expose-headers"] == "ETag, Retry-After"
    assert "access-control-allow-origin" not in theirs.headers
    assert theirs.headers["vary"] == "Origin"


def test_before_any_configuration_it_is_503_and_never_401(door: OfrepDoor) -> None:
    door._holder.held = Held()
    reply = ask(door, f"{ALL}/split")
    assert (reply.status, reply.headers["retry-after"], reply.body["errorCode"]) == (503, "5", "GENERAL")


def test_a_fault_of_ours_is_500_in_a_form_that_clients_read(door: OfrepDoor) -> None:
    door._holder.held = Held(Source.DATABASE, {}, {}, held(FLAGS).tokens)  # a token whose environment is not there
    reply = ask(door, f"{ALL}/split")
    assert (reply.status, reply.body["errorCode"], reply.body["key"]) == (500, "GENERAL", "split")


@given(npub=st.text(st.characters(), max_size=30), raw=st.booleans())
def test_every_text_of_javascript_is_a_targeting_key(
    tmp_path_factory: pytest.TempPathFactory, npub: str, raw: bool
) -> None:
    """Also half of a surrogate pair, which JSON.stringify escapes and orjson refuses."""
    door = make_door(tmp_path_factory.mktemp("ofrep"))
    body = json.dumps(unit(npub), ensure_ascii=not raw).encode("utf-8", "surrogatepass")
    if raw and any("\ud800" <= character <= "\udfff" for character in npub):
        assert ask(door, body=body).status == 400  # no UTF-8
        return
    reply = ask(door, body=body)
    assert reply.status == 200
    assert reply.body["flags"][0]["reason"] in {"SPLIT", "TARGETING_MATCH"}
