"""Ramps over REST: the same commands as everywhere, in the token's environment only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from core import events, heartbeats
from core.actors import GUARD, Actor
from flags import selectors as flag_selectors
from flags.services import emergency
from flags.services.tokens import create
from rollouts.models import Ramp, RampTemplate
from rollouts.services import clock
from tests.rollouts.conftest import KEY, Guard

pytestmark = pytest.mark.django_db
Call = Callable[..., tuple[int, Any]]


@pytest.fixture(autouse=True)
def _at_now(now: Any) -> Any:
    with time_machine.travel(now, tick=False):
        yield


@pytest.fixture
def call(client: Client, all_environments: None, operator_actor: Actor, now: Any) -> Call:
    """Call `/api/v1/…` with a token of production that may operate; status and body."""
    tokens: dict[tuple[str, str], str] = {}

    def _call(
        method: str, path: str, body: object = None, *, environment: str = "production", scope: str = "operate"
    ) -> tuple[int, Any]:
        key = environment, scope
        if key not in tokens:
            tokens[key] = create(f"ci-{environment}", environment, [scope], actor=operator_actor, now=now)[1]
        send = getattr(client, method)
        headers = {"Authorization": f"Bearer {tokens[key]}"}
        kwargs = {} if body is None else {"data": body, "content_type": "application/json"}
        response = send(f"/api/v1/{path}", headers=headers, **kwargs)
        return response.status_code, response.json()

    return _call


def test_a_ramp_is_started_steered_and_rolled_back_by_a_token(
    call: Call, template: RampTemplate, guard: Guard, now: Any
) -> None:
    status, ramp = call("post", "ramps", {"template": template.key, "reason": "weeks 5 and 6", "pace": 60, "soak": 0})
    assert (status, ramp["state"], ramp["environment"], ramp["version"]) == (201, "running", "production", 1)
    assert (ramp["monitoring"], ramp["waits_for"]) == ("intensive", "The clock takes it at its next look.")
    path = f"ramps/{ramp['id']}"

    status, ramp = call("post", f"{path}/advance", {"reason": "allow-list first", "version": 1})
    assert (status, ramp["position"]) == (200, 1)
    assert [step["status"] for step in ramp["steps"]] == ["now", "next", "later", "later", "later"]
    assert call("post", f"{path}/advance", {"reason": "sent twice", "version": 1})[0] == 409
    assert call("post", f"{path}/skip", {"reason": "10 % was rehearsed", "version": 2})[1]["steps"][1]["skipped_by"]
    assert call("post", f"{path}/hold", {"reason": "month end"})[1]["hold_reason"] == "month end"
    assert call("post", f"{path}/advance", {"reason": "r", "version": 4})[0] == 409
    assert call("post", f"{path}/resume", {"reason": "month ended", "version": 4})[1]["state"] == "running"
    status, done = call("post", f"{path}/rollback", {"reason": "customers call"})

    assert (status, done["ramp"]["state"]) == (200, "rolled_back")
    assert flag_selectors.state(KEY, "production").rollback_id == done["rollback_id"]
    listed = call("get", "ramps?state=rolled_back")[1]
    assert [{**ramp, "radius": None, "gate": []} for ramp in listed] == [call("get", path)[1]]
    assert call("get", "ramps?state=running")[1] == []
    who = {(event.actor, event.actor_kind) for event in events.about(f"ramp:{ramp['id']}")}
    assert who == {("ci-production", "token")}


def test_the_answer_says_why_a_ramp_is_held_and_what_it_waits_for(call: Call, ramp: Ramp, now: Any) -> None:
    heartbeats.beat("guard", now=now - timedelta(minutes=5))
    assert "nobody is watching" in call("get", f"ramps/{ramp.pk}")[1]["waits_for"]
    emergency.roll_back(KEY, "production", actor=GUARD, reason="20 % errors", now=now)
    clock.follow(now=now)
    told = call("get", "ramps")[1][0]
    assert "rolled back by guard" in told["hold_reason"] == told["waits_for"]


def test_a_token_of_another_environment_or_scope_reaches_no_ramp(call: Call, ramp: Ramp) -> None:
    for method, path, body in (
        ("get", f"ramps/{ramp.pk}", None),
        ("post", f"ramps/{ramp.pk}/rollback", {"reason": "r"}),
        ("post", f"ramps/{ramp.pk}/advance", {"reason": "r", "version": 1}),
    ):
        status, problem = call(method, path, body, environment="staging")
        assert (status, problem["detail"]) == (404, f"There is no ramp {ramp.pk} in staging.")
        assert call(method, path, body, scope="report")[0] == 403
    assert call("get", "ramps", environment="staging") == (200, [])
    ramp.refresh_from_db()
    assert (ramp.state, ramp.version) == ("running", 1)


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        ("ramps", {"template": "nosuch", "reason": "r"}, 404, None),
        ("ramps", {"reason": "r"}, 422, "template"),
        ("ramps", {"template": "atomic-phased", "reason": ""}, 422, "reason"),
        ("ramps", {"template": "atomic-phased", "reason": "r", "paze": 5}, 422, "paze"),
        ("ramps", {"template": "atomic-phased", "reason": "r", "pace": 0}, 422, "pace"),
        ("ramps", {"template": "atomic-phased", "reason": "r", "starts_at": "2025-08-12T09:00:00"}, 422, "starts_at"),
        ("ramps", {"template": "atomic-phased", "reason": "r", "starts_at": "2025-08-10T09:00:00Z"}, 422, "starts_at"),
        ("ramps/{id}/advance", {"reason": "r"}, 422, "version"),
        ("ramps/{id}/advance", {"reason": " ", "version": 1}, 422, "reason"),
        ("ramps/{id}/resume", {"reason": "r", "version": 1}, 409, None),
        ("ramps/99999999999999999999/hold", {"reason": "r"}, 404, None),
        ("ramps/abc/hold", {"reason": "r"}, 422, "ramp_id"),
    ],
)
def test_bad_requests_get_a_problem_that_names_the_field_and_change_nothing(
    path: str, body: dict[str, Any], status: int, field: str | None, call: Call, ramp: Ramp
) -> None:
    rows = events.recent().count()
    got, problem = call("post", path.format(id=ramp.pk), body)
    assert (got, problem.get("field")) == (status, field)
    assert problem["detail"]
    ramp.refresh_from_db()
    created = events.recent().exclude(kind="token.created").count()
    assert (ramp.version, created) == (1, rows)
