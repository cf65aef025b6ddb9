"""Targeting, lists, segments, promotions and freezes over /api/v1."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from core import freezing
from core.actors import Actor
from core.freezing import Plan
from flags import selectors
from flags.domain.rules import ChangeKind
from flags.models import ApprovalRule, Flag
from flags.services import rollout, tokens

pytestmark = pytest.mark.django_db
KEY = "atomicMeltOperations"
ROOT = f"/api/v1/flags/{KEY}"
RULES = {"rules": [{"name": "Testers", "when": [{"segment": "testers"}], "percentage": 100, "serve": "on"}]}
GERMANS = {"name": "Testers", "conditions": [{"attribute": "country", "op": "in", "values": ["DE"]}], "reason": "r"}


@pytest.fixture
def api(token: str) -> Client:
    return Client(HTTP_AUTHORIZATION=f"Bearer {token}")


def send(api: Client, method: str, path: str, body: dict[str, Any], **headers: str) -> Any:
    return getattr(api, method)(path, json.dumps(body), content_type="application/json", headers=headers)


def test_a_segment_is_made_used_and_not_deleted_while_it_is_used(api: Client) -> None:
    made = send(api, "put", "/api/v1/segments/testers", GERMANS | {"version": 0})
    assert (made.status_code, made.json()["version"]) == (200, 1)
    done = send(api, "put", f"{ROOT}/targeting", {"targeting": RULES, "reason": "r"}, **{"If-Match": '"1.1"'})
    assert done.status_code == 200, done.content
    assert done.json()["targeting"]["rules"][0]["name"] == "Testers"
    assert (
        send(api, "put", f"{ROOT}/targeting", {"targeting": {}, "reason": "r"}, **{"If-Match": '"1.1"'}).status_code
        == 412
    )

    assert [row["key"] for row in api.get("/api/v1/segments").json()] == ["testers"]
    refused = api.delete("/api/v1/segments/testers?reason=r")
    assert refused.status_code == 409
    assert KEY in refused.json()["detail"]
    send(api, "put", f"{ROOT}/targeting", {"targeting": {}, "reason": "r"})
    assert api.delete("/api/v1/segments/testers?reason=r").status_code == 204
    assert api.delete("/api/v1/segments/testers?reason=r").status_code == 404


@pytest.mark.parametrize(
    "targeting",
    [{"rules": [{"name": "x", "when": [{"attribute": "a", "op": "matches", "values": ["(a+)+$"]}]}]}, {"x": 1}],
)
def test_wrong_targeting_is_told_and_changes_nothing(api: Client, targeting: dict[str, Any]) -> None:
    refused = send(api, "put", f"{ROOT}/targeting", {"targeting": targeting, "reason": "r"})
    assert refused.status_code == 422
    assert selectors.state(KEY, "production").version == 1


def test_the_lists_are_edited_and_read_in_pages(api: Client) -> None:
    npubs = [f"npub{number:03}" for number in range(150)]
    done = send(api, "patch", f"{ROOT}/deny-list", {"add": npubs, "reason": "r"}).json()
    assert (done["added"], done["flag"]["deny_count"]) == (150, 150)
    first = api.get(f"{ROOT}/lists/deny")
    assert (first.json(), first["Total-Count"]) == (npubs[:100], "150")
    assert api.get(f"{ROOT}/lists/deny?page=2").json() == npubs[100:]
    assert api.get(f"{ROOT}/lists/deny?q=b14").json() == npubs[140:150]
    assert api.get(f"{ROOT}/lists/allow").json() == []
    assert api.get(f"{ROOT}/lists/other").status_code == 422


def test_a_promotion_is_looked_at_and_done_into_the_environment_of_the_token(
    api: Client, operator_actor: Actor, now: datetime
) -> None:
    rollout.set_rollout(KEY, "pre-production", 15, actor=operator_actor, reason="r", now=now)
    (seen,) = api.get(f"/api/v1/promotions?source=pre-production&flags={KEY}").json()
    assert (seen["flag"], seen["fields"]) == (KEY, {"percentage": 15})
    wanted = {"source": "pre-production", "flags": [KEY], "reason": "r"}
    (done,) = send(api, "post", "/api/v1/promotions", wanted).json()
    assert (done["environment"], done["percentage"]) == ("production", 15)
    assert send(api, "post", "/api/v1/promotions", wanted).json() == []


def test_the_rules_hold_here_too_and_the_refusal_carries_the_way_on(
    api: Client, flag: Flag, operator_actor: Actor, now: datetime
) -> None:
    here = selectors.state(KEY, "production").environment
    for kind in (ChangeKind.TARGETING, ChangeKind.PROMOTION):
        ApprovalRule.objects.create(environment=here, kind=kind.value, approvals=1, expires_after=86400)
    rollout.set_rollout(KEY, "production", 1, actor=operator_actor, reason="r", now=now)
    rollout.enable(KEY, "production", actor=operator_actor, reason="r", now=now)
    rollout.set_rollout(KEY, "pre-production", 15, actor=operator_actor, reason="r", now=now)
    serve = {"targeting": {"serve": "off"}, "reason": "r"}
    for method, path, body in (
        ("put", f"{ROOT}/targeting", serve),
        ("post", "/api/v1/promotions", {"source": "pre-production", "flags": [KEY], "reason": "r"}),
    ):
        refused = send(api, method, path, body)
        assert refused.status_code == 409, refused.content
        asked = send(api, "post", "/api/v1/requests", refused.json()["approval"]["request"]["body"])
        assert asked.status_code == 201, asked.content


def test_freezes_are_told_and_hold_changes(api: Client, operator_actor: Actor) -> None:
    now = timezone.now()
    starts = f"{now - timedelta(hours=1):%Y-%m-%dT%H:%M}"
    wanted = Plan("Pay day", "Melts.", ["production"], "UTC", starts, 7200, "FREQ=WEEKLY")
    freeze = freezing.plan(wanted, actor=operator_actor, now=now)
    found = api.get("/api/v1/freezes").json()
    assert len(found) == 5
    assert [row["holds_now"] for row in found] == [True, False, False, False, False]

    refused = send(api, "post", f"{ROOT}/rollout", {"percentage": 5, "reason": "r"})
    assert refused.status_code == 409
    assert "production is frozen until" in refused.json()["detail"]
    assert send(api, "post", f"{ROOT}/disable", {"reason": "r"}).status_code == 200

    freezing.override(freeze.pk, "production", actor=operator_actor, reason="r", now=timezone.now())
    first = api.get("/api/v1/freezes").json()[0]
    assert first["holds_now"] is False
    assert first["let_through_until"] is not None
    assert send(api, "post", f"{ROOT}/rollout", {"percentage": 5, "reason": "r"}).status_code == 200


@pytest.mark.parametrize(
    "query", ["since=2025-01-01", "since=2025-01-01T00:00Z&until=2027-01-01T00:00Z", "since=9999-12-31T23:59:59Z"]
)
def test_a_wrong_time_of_freezes_is_told(api: Client, query: str) -> None:
    assert api.get(f"/api/v1/freezes?{query}").status_code == 422


@pytest.mark.parametrize("scope", ["evaluate", "snapshot", "report", "calendar"])
def test_other_scopes_change_nothing(flag: Flag, operator_actor: Actor, scope: str) -> None:
    text = tokens.create("t", "production", [scope], actor=operator_actor, now=datetime.now(UTC))[1]
    api = Client(HTTP_X_API_KEY=text)
    for method, path in (
        ("put", f"{ROOT}/targeting"),
        ("patch", f"{ROOT}/deny-list"),
        ("put", "/api/v1/segments/x"),
        ("delete", "/api/v1/segments/x"),
        ("post", "/api/v1/promotions"),
    ):
        assert send(api, method, path, {}).status_code == 403
    assert api.get("/api/v1/freezes").status_code == (200 if scope == "calendar" else 403)
