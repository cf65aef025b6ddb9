"""Why and history over /api/v1."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from core import events
from core.actors import Actor
from flags.domain.change import StateChange
from flags.models import Flag
from flags.services import rollout, tokens

KEY = "atomicMeltOperations"


@pytest.fixture
def api(token: str, flag: Flag, operator_actor: Actor, now: datetime) -> Client:
    """A token of production, where the flag went to 100 % and back to 10 %, and stands at 50 % in staging."""
    about: dict[str, Any] = {"actor": operator_actor, "reason": "r"}
    for hours, percentage in ((1, 100), (2, 10)):
        at = now + timedelta(hours=hours)
        rollout.change(KEY, "production", StateChange(enabled=True, percentage=percentage), now=at, **about)
    rollout.change(KEY, "staging", StateChange(enabled=True, percentage=50), now=now, **about)
    return Client(HTTP_AUTHORIZATION=f"Bearer {token}")


def history(api: Client, **query: str) -> list[dict[str, Any]]:
    return json.loads(b"".join(api.get("/api/v1/history", query)))


def test_an_npub_is_explained_in_the_environment_of_the_token(api: Client) -> None:
    found = api.get("/api/v1/why", {"npub": "npub1a", "flag": KEY, "attribute": ["country=DE", "age=18"]}).json()
    assert (found["environment"], found["npub"]) == ("production", "npub1a")
    (answer,) = found["answers"]
    assert (answer["flag"], answer["rule"], answer["percentage"], answer["buckets"]) == (KEY, "percentage", 10, 100)
    assert answer["why"].startswith("The npub stands at ")
    assert [entry["on"] for entry in found["history"]] == [answer["value"], True, False]
    assert api.get("/api/v1/why", {"npub": "npub1a"}).json()["history"] is None


def test_the_history_is_filtered_and_paged(api: Client, now: datetime) -> None:
    rows = history(api, flag=KEY)
    assert [(row["after"].get("percentage"), row["environment"]) for row in rows[:2]] == [
        (10.0, "production"),
        (100.0, "production"),
    ]
    assert rows[-1]["kind"] == "flag.created"
    assert "staging" not in {row["environment"] for row in rows}
    assert [row["id"] for row in history(api, flag=KEY, limit="1", before=str(rows[0]["id"]))] == [rows[1]["id"]]
    assert len(history(api, since=(now + timedelta(hours=2)).isoformat())) == 1
    table = b"".join(api.get("/api/v1/history", {"flag": KEY, "format": "csv"})).decode()
    assert [row["kind"] for row in csv.DictReader(io.StringIO(table))] == [row["kind"] for row in rows]


def test_people_and_other_environments_are_not_this_tokens_business(
    api: Client, operator_actor: Actor, now: datetime
) -> None:
    events.record("person.changed", subject="person:p", actor=operator_actor, now=now)
    events.record("token.created", subject="token:1", actor=operator_actor, now=now)
    assert not {"person.changed", "token.created"} & {row["kind"] for row in history(api) if row["environment"] is None}


@pytest.mark.parametrize(
    ("path", "query", "status", "field"),
    [
        ("why", {}, 422, "npub"),
        ("why", {"npub": ""}, 422, "npub"),
        ("why", {"npub": "a\0b"}, 422, "npub"),
        ("why", {"npub": "a", "attribute": "x"}, 422, "context"),
        ("why", {"npub": "a", "flag": "nosuch"}, 404, None),
        ("history", {"limit": "0"}, 422, "limit"),
        ("history", {"since": "yesterday"}, 422, "since"),
        ("history", {"since": "2025-08-11T09:00:00"}, 422, "since"),
        ("history", {"format": "xlsx"}, 422, "format"),
    ],
)
def test_a_bad_question_is_a_problem_that_names_the_field(
    api: Client, path: str, query: dict[str, str], status: int, field: str | None
) -> None:
    answer = api.get(f"/api/v1/{path}", query)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json().get("field") == field


@pytest.mark.parametrize("path", ["why?npub=a", "history"])
def test_only_a_token_that_may_operate_looks(flag: Flag, operator_actor: Actor, now: datetime, path: str) -> None:
    _, text = tokens.create("web", "production", ["evaluate"], actor=operator_actor, now=now)
    assert Client().get(f"/api/v1/{path}").status_code == 401
    assert Client(HTTP_AUTHORIZATION=f"Bearer {text}").get(f"/api/v1/{path}").status_code == 403
