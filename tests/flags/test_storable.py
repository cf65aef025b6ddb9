"""What PostgreSQL cannot store is refused by every operation of `/api/v1`, with the name of the field."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from core.actors import Actor
from flags.models import Flag
from flags.services import tokens

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(flag: Flag, operator_actor: Actor, now: datetime) -> Client:
    _, text = tokens.create("robot", "production", ["operate", "report"], actor=operator_actor, now=now)
    return Client(HTTP_AUTHORIZATION=f"Bearer {text}")


@pytest.mark.parametrize("address", ["risk/change?percentage=5&flag=%00", "history?flag=a%00b", "why?npub=n&flag=%00"])
def test_a_query_with_nul_is_refused(api: Client, address: str) -> None:
    answer = api.get(f"/api/v1/{address}")
    assert (answer.status_code, answer.json()["field"]) == (422, "flag")


@pytest.mark.parametrize(
    ("door", "body", "field"),
    [
        ("plans", r'{"plan": "\u0000", "reason": "r"}', "plan"),
        ("plans", r'{"plan": "\uD800", "reason": "r"}', "plan"),
        ("flags/atomicMeltOperations/rollback", r'{"reason": "r", "evidence": {"a": ["\udfff"]}}', "evidence.a.0"),
        ("flags/atomicMeltOperations/rollback", r'{"reason": "r", "evidence": {"\u0000": 1}}', "evidence"),
    ],
)
def test_a_body_with_nul_or_half_a_pair_is_refused_where_it_stands(
    api: Client, door: str, body: str, field: str
) -> None:
    answer = api.post(f"/api/v1/{door}", body, content_type="application/json")
    assert (answer.status_code, answer.json().get("field")) == (422, field), answer.content


def test_a_whole_pair_and_what_only_looks_like_nul_are_taken(api: Client) -> None:
    body = r'{"kind": "user", "text": "\ud83d\ude00 \\u0000"}'
    answer: Any = api.post("/api/v1/feedback", body, content_type="application/json")
    assert answer.status_code == 202, answer.content


@pytest.mark.races  # for the database: PostgreSQL takes no offset of 16 hours
def test_a_time_with_any_offset_is_taken_and_one_that_is_none_in_utc_is_refused(api: Client) -> None:
    for address in ("history?since=", "freezes?since=", "audit/events?since="):
        assert api.get(f"/api/v1/{address}2025-11-29T10:00:00-18:04").status_code == 200, address
        assert api.get(f"/api/v1/{address}9999-12-31T23:59:59-12:00").status_code == 422, address


def test_a_body_nobody_reads_may_be_anything(api: Client) -> None:
    answer = api.generic("GET", "/api/v1/freezes", r"{\u0000", content_type="application/json")
    assert answer.status_code == 200
