"""Change requests over /api/v1."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from approvals import selectors
from flags.services import tokens
from tests.approvals.conftest import ANNA, KEY, OLGA, approve

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rules")]
CHANGES = [{"kind": "flag.state", "flag": KEY, "payload": {"enabled": True, "percentage": 50}}]
ASKED = {"title": "To half", "reason": "calm", "changes": CHANGES}


def client(environment: str = "production", scope: str = "operate", *, now: datetime) -> Client:
    _, text = tokens.create("pipeline", environment, [scope], actor=OLGA, now=now)
    return Client(HTTP_AUTHORIZATION=f"Bearer {text}")


def send(api: Client, path: str, body: Any) -> Any:
    return api.post(f"/api/v1/requests{path}", json.dumps(body), content_type="application/json")


def test_a_token_asks_talks_and_applies_but_a_person_approves(now: datetime) -> None:
    api = client(now=now)
    asked = send(api, "", ASKED)
    assert asked.status_code == 201
    body = asked.json()
    assert (body["state"], body["needed"], body["contributors"]) == ("open", 1, ["olga", "pipeline"])
    assert body["effects"][0]["after"]["percentage"] == 50
    where = f"/{body['id']}"

    refused = send(api, f"{where}/approve", {"digest": body["digest"]})
    assert refused.status_code == 403
    assert refused.json()["detail"] == "Only a person approves, signed in; pipeline is a token."
    assert send(api, f"{where}/apply", {}).status_code == 409
    assert send(api, f"{where}/comments", {"text": "ready"}).status_code == 200

    approve(selectors.get(body["id"]), ANNA, now=timezone.now())
    assert api.get(f"/api/v1/requests{where}").json()["approved_by"] == ["anna"]
    assert send(api, f"{where}/refresh", {}).json()["state"] == "approved"
    assert send(api, f"{where}/apply", {}).json()["state"] == "applied"
    assert send(api, f"{where}/apply", {}).status_code == 409


def test_a_token_withdraws_what_it_asked_for(now: datetime) -> None:
    api = client(now=now)
    number = send(api, "", ASKED).json()["id"]
    assert send(api, f"/{number}/withdraw", {"reason": "not today"}).json()["closed_reason"] == "not today"


def test_a_time_is_taken_in_its_zone(now: datetime) -> None:
    api = client(now=now)
    at = (timezone.now() + timedelta(days=2)).replace(hour=9, minute=0, second=0, microsecond=0, tzinfo=None)
    body = send(api, "", {**ASKED, "apply_at": at.isoformat(), "zone": "Asia/Tokyo"}).json()
    assert body["applied_when"] == f"{at:%Y-%m-%d %H:%M} JST (Asia/Tokyo)"
    assert body["apply_at"] == f"{at - timedelta(hours=9):%Y-%m-%dT%H:%M:%S}Z"
    assert send(api, "", {**ASKED, "apply_at": at.isoformat(), "zone": "Tokyo"}).json()["field"] == "zone"


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 422, "title"),
        ({**ASKED, "changes": []}, 422, "changes"),
        ({**ASKED, "changes": [{"kind": "flag.shout", "flag": KEY}]}, 422, "changes.0.kind"),
        ({**ASKED, "changes": [{**CHANGES[0], "payload": {"percent": 1}}]}, 422, "changes.0.payload.percent"),
        ({**ASKED, "reason": " "}, 422, "reason"),
        ({**ASKED, "approved": True}, 422, "approved"),
        ({**ASKED, "changes": [{**CHANGES[0], "flag": "nothing"}]}, 404, None),
    ],
)
def test_a_body_that_cannot_be_is_refused_with_its_field(
    body: Any, status: int, field: str | None, now: datetime
) -> None:
    reply = send(client(now=now), "", body)
    assert (reply.status_code, reply.json().get("field")) == (status, field)


def test_a_token_sees_its_environment_and_needs_its_scope(now: datetime) -> None:
    number = send(client(now=now), "", ASKED).json()["id"]
    elsewhere = client("staging", now=now)
    assert elsewhere.get("/api/v1/requests").json() == []
    assert elsewhere.get(f"/api/v1/requests/{number}").status_code == 404
    assert send(elsewhere, f"/{number}/withdraw", {}).status_code == 404
    assert client(scope="evaluate", now=now).get("/api/v1/requests").status_code == 403
    assert Client().get("/api/v1/requests").status_code == 401


def test_the_list_is_filtered_paged_and_takes_a_fixed_number_of_queries(
    now: datetime, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    api = client(now=now)
    numbers = [send(api, "", ASKED).json()["id"] for _ in range(12)]
    send(api, f"/{numbers[0]}/withdraw", {})
    api.get("/api/v1/requests")  # the token is in memory now
    with django_assert_max_num_queries(8):
        reply = api.get("/api/v1/requests?limit=10")
    assert [row["id"] for row in reply.json()] == numbers[:1:-1]
    assert reply["Total-Count"] == "12"
    assert [row["id"] for row in api.get("/api/v1/requests?state=withdrawn").json()] == numbers[:1]
    assert api.get("/api/v1/requests?flag=nothing").json() == []
