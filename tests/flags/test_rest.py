"""Flags over /api/v1: the same services, and every refusal as a problem."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from pytest_django import Settings

from core import events
from core.actors import Actor
from flags import selectors
from flags.api import auth
from flags.services import tokens

pytestmark = pytest.mark.django_db
KEY = "atomicMeltOperations"
ROOT = f"/api/v1/flags/{KEY}"


@pytest.fixture
def api(token: str) -> Client:
    """Asks as nctool, whose token belongs to production."""
    client = Client(HTTP_AUTHORIZATION=f"Bearer {token}")
    client.raise_request_exception = False
    return client


def send(api: Client, path: str, body: Any, method: str = "post") -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body)
    return getattr(api, method)(f"{ROOT}/{path}", raw, content_type="application/json")


def test_a_flag_is_changed_by_each_call_with_the_token_as_actor(api: Client) -> None:
    steps: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
        ("post", "rollout", {"percentage": 25}, {"percentage": 25, "version": 2}),
        ("post", "enable", {"version": 2}, {"enabled": True, "version": 3}),
        ("post", "parameters", {"parameters": {"a": 1}}, {"parameters": {"a": 1}}),
        ("patch", "parameters", {"parameters": {"b": 2}}, {"parameters": {"a": 1, "b": 2}}),
        ("post", "disable", {}, {"enabled": False, "percentage": 25}),
        ("post", "emergency-disable", {}, {"percentage": 0, "disabled_by": "nctool", "disabled_reason": "r"}),
    ]
    for method, path, body, expected in steps:
        reply = send(api, path, {"reason": "r", **body}, method)
        assert reply.status_code == 200, reply.content
        assert reply.json().items() >= expected.items()
    assert {event.actor for event in events.recent().filter(subject=f"flag:{KEY}", environment__key="production")} == {
        "nctool"
    }
    assert api.get(ROOT).json() == api.get("/api/v1/flags").json()[0]


def test_the_allow_list_and_a_rollback_tell_what_they_did(api: Client) -> None:
    done = send(api, "allow-list", {"reason": "r", "add": ["npub1a", "npub1b"], "remove": ["npub1z"]}, "patch").json()
    assert (done["added"], done["not_in"], done["flag"]["allow_count"]) == (2, 1, 2)
    send(api, "enable", {"reason": "r"})
    rolled_back = send(api, "rollback", {"reason": "errors", "evidence": {"rate": 20.1}}).json()
    assert rolled_back["rollback_id"] == rolled_back["flag"]["rollback_id"] != ""


@pytest.mark.parametrize(
    ("path", "body", "status", "field", "words"),
    [
        ("rollout", {"percentage": 101}, 422, "percentage", "0 to 100"),
        ("rollout", {"percentage": -1}, 422, "percentage", "0 to 100"),
        ("rollout", {"percentage": 12.5}, 422, "percentage", "steps of 1"),
        ("rollout", {"percentage": "abc"}, 422, "percentage", "decimal"),
        ("rollout", {"percentage": True}, 422, "percentage", "Decimal"),
        ("rollout", {}, 422, "percentage", "required"),
        ("rollout", {"percentage": 5, "reason": ""}, 422, "reason", "say why"),
        ("rollout", {"percentage": 5, "percentige": 6}, 422, "percentige", "not permitted"),
        ("rollout", {"percentage": 5, "version": 9}, 409, None, "you saw version 9, it is now 1"),
        ("parameters", {"parameters": [1]}, 422, "parameters", "dictionary"),
        ("emergency-disable", {"reason": ""}, 422, "reason", "Say why"),
        ("rollout", b"{", 400, None, "parse"),
        ("rollout", b'{"percentage": NaN, "reason": "r"}', 422, "percentage", "finite"),
        ("parameters", b'{"parameters": ' + b'{"a":' * 50_000, 400, None, "parse"),
        ("parameters", {"parameters": {"a": 2**70}}, 422, "parameters", "64-bit"),
        ("nosuch", {}, 404, None, "nothing at this address"),
    ],
)
def test_a_refusal_is_a_problem_that_names_the_field_and_changes_nothing(
    api: Client, path: str, body: Any, status: int, field: str | None, words: str
) -> None:
    reply = send(api, path, body if isinstance(body, bytes) else {"reason": "r", **body})

    assert (reply.status_code, reply["Content-Type"]) == (status, "application/problem+json")
    problem = reply.json()
    assert (problem["status"], problem.get("field")) == (status, field)
    assert problem["title"]
    assert words in problem["detail"]
    assert selectors.state(KEY, "production").version == 1


def test_the_field_of_a_list_is_named_by_its_place(api: Client) -> None:
    reply = send(api, "allow-list", {"reason": "r", "add": ["npub1a", 5]}, "patch")
    assert reply.json()["field"] == "add.1"


def test_unknown_paths_methods_sizes_and_faults_have_the_same_shape(api: Client, token: str) -> None:
    assert api.get("/api/v1/flags/nosuch").json()["detail"].startswith("There is no flag 'nosuch'")
    assert api.get("/api/nosuch").json()["status"] == 404
    refused = api.delete("/api/v1/flags")
    assert (refused.json()["status"], set(refused["Allow"].split(", "))) == (405, {"GET", "POST"})
    assert send(api, "rollout", b"x" * (12 * 1024 * 1024 + 1)).json()["status"] == 413
    assert api.get("/api/v1/docs").status_code == 404
    assert ROOT.replace(KEY, "{key}") in api.get("/api/v1/openapi.json").json()["paths"]

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    def gone(*_: object) -> None:
        raise OperationalError("gone")

    for fault, status in ((broken, 500), (gone, 503)):
        with connection.execute_wrapper(fault):
            reply = api.get("/api/v1/flags")
        assert (reply.status_code, reply.json()["status"]) == (status, status)
        assert reply["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("header", ["HTTP_AUTHORIZATION", "HTTP_X_API_KEY"])
def test_a_token_opens_its_environment_and_scope_until_it_is_revoked(
    header: str, client: Client, token: str, operator_actor: Actor, now: datetime
) -> None:
    def get(text: str) -> Any:
        return client.get("/api/v1/flags", **{header: f"Bearer {text}" if header == "HTTP_AUTHORIZATION" else text})

    assert get(token).json()[0]["environment"] == "production"
    unknown = get("nct_unknown")
    assert (unknown.status_code, unknown["WWW-Authenticate"], unknown.json()["status"]) == (401, "Bearer", 401)
    _, weak = tokens.create("dashboards", "staging", ["evaluate"], actor=operator_actor, now=now)
    refused = get(weak)
    assert refused.status_code == 403
    assert "'dashboards' lacks the scope operate; it has evaluate" in refused.json()["detail"]
    tokens.revoke(selectors.tokens().get(name="nctool").pk, actor=operator_actor, now=now)
    assert get(token).status_code == 401
    assert client.get("/api/v1/flags").status_code == 401


def test_a_token_that_comes_too_often_is_told_when_to_come_again(api: Client, settings: Settings) -> None:
    settings.API_LIMIT_PER_MINUTE = 2
    auth._limit.cache_clear()
    replies = [api.get("/api/v1/flags") for _ in range(6)]
    refused = [reply for reply in replies if reply.status_code == 429]
    assert len(refused) >= 2  # a new minute may begin once in between
    assert 1 <= int(refused[0]["Retry-After"]) <= 60
    assert "2 requests" in refused[0].json()["detail"]
