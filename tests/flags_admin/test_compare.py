"""Two environments side by side, and the way from there to a promotion."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

import flags.selectors
from core import environments, freezing
from core.actors import Actor
from core.asking import answer_with
from flags.domain.bucketing import Bucketing
from flags.domain.change import StateChange
from flags.domain.rules import ChangeKind
from flags.models import ApprovalRule, Flag
from flags.services import lists, registry, rollout

KEY = "atomicMeltOperations"
ClientAs = Callable[[str], Client]


@pytest.fixture
def who(operator_actor: Actor, now: datetime) -> dict[str, Any]:
    return {"actor": operator_actor, "reason": "tests", "now": now}


@pytest.fixture
def proven(flag: Flag, who: dict[str, Any]) -> None:
    """In pre-production the flag is on for a quarter and two testers; `calm` is off everywhere."""
    change = StateChange(enabled=True, percentage=25, parameters={"severityThreshold": "HIGH"})
    rollout.change(KEY, "pre-production", change, **who)
    lists.edit_allow_list(KEY, "pre-production", add=["npub1anna", "npub1bert"], **who)
    lists.edit_allow_list(KEY, "production", add=["npub1bert", "npub1carl"], **who)
    registry.define("calm", name="Calm", description="", bucketing=Bucketing.MURMUR3, **who)


def compared(client: Client, **query: str) -> str:
    return client.get(reverse("admin:flags_compare"), query).content.decode()


def promote(client: Client, step: str = "apply", **form: Any) -> Any:
    sent = {"source": "pre-production", "target": "production", "flag": [KEY], "reason": "passed", **form}
    return client.post(reverse("admin:flags_promote"), {"step": step, **sent} if step else sent)


@pytest.mark.usefixtures("proven")
def test_what_differs_is_told_field_by_field_and_the_rest_is_left_out(client_as: ClientAs) -> None:
    page = compared(client_as("viewer"))
    for told in ("1 of 2 flags differ", "parameters.severityThreshold", "HIGH", "2 npubs, 1 only here", "25 %"):
        assert told in page
    assert "Calm" not in page
    assert "Calm" in compared(client_as("viewer"), show="all")
    assert KEY not in compared(client_as("viewer"), show="all", q="calm")
    assert "All 2 flags do the same" in compared(client_as("viewer"), left="development", right="staging")


@pytest.mark.usefixtures("proven")
@pytest.mark.parametrize(
    "query",
    [{"left": "moon"}, {"right": "moon"}, {"left": "production", "right": "production"}, {"show": "x", "q": "\0"}],
)
def test_an_odd_address_still_compares_two_environments(client_as: ClientAs, query: dict[str, str]) -> None:
    assert "Pre-Production" in compared(client_as("viewer"), **query)


@pytest.mark.usefixtures("proven")
@pytest.mark.parametrize(
    ("query", "sides"),
    [
        ({}, ("pre-production", "production")),
        ({"left": "development"}, ("development", "staging")),
        ({"left": "production"}, ("pre-production", "production")),
        ({"right": "development"}, ("staging", "development")),
    ],
)
def test_of_one_environment_the_next_one_stands_beside_it(
    client_as: ClientAs, query: dict[str, str], sides: tuple[str, str]
) -> None:
    shown = client_as("viewer").get(reverse("admin:flags_compare"), query).context
    assert (shown["left"].key, shown["right"].key) == sides


@pytest.mark.usefixtures("proven")
def test_a_freeze_holds_a_promotion_and_the_form_says_until_when(
    client_as: ClientAs, who: dict[str, Any], time_machine: Any
) -> None:
    time_machine.move_to(who["now"])
    plan = freezing.Plan(
        name="Pay day",
        reason="salaries",
        environments=("production",),
        starts_at=f"{who['now']:%Y-%m-%dT%H:%M}",
        duration=7200,
        zone="UTC",
    )
    freezing.plan(plan, actor=who["actor"], now=who["now"])
    refused = promote(client_as("operator"))
    page = refused.content.decode()
    assert refused.status_code == 409
    for told in ("Frozen until Mon 11 Aug 2025 11:00 UTC", "Pay day: salaries", "passed"):
        assert told in page
    assert not flags.selectors.state(KEY, "production").enabled


@pytest.mark.django_db
def test_without_environments_the_page_says_what_to_do(client_as: ClientAs) -> None:
    assert "Load a playbook" in compared(client_as("viewer"))


@pytest.mark.usefixtures("proven")
def test_the_number_of_queries_does_not_grow_with_the_flags(
    client_as: ClientAs, who: dict[str, Any], django_assert_max_num_queries: Callable[..., Any]
) -> None:
    client = client_as("viewer")
    for number in range(30):
        registry.define(f"f{number}", name="F", description="", bucketing=Bucketing.MURMUR3, **who)
        lists.edit_allow_list(f"f{number}", "production", add=["npub1x"], **who)
    with django_assert_max_num_queries(15):
        assert "31 of 32 flags differ" in compared(client)


@pytest.mark.usefixtures("proven")
def test_only_an_operator_promotes(client_as: ClientAs) -> None:
    assert promote(client_as("viewer"), "").status_code == 403
    assert promote(client_as("viewer")).status_code == 403
    assert 'name="flag"' not in compared(client_as("viewer"))
    assert 'name="flag"' in compared(client_as("operator"))
    assert promote(client_as("operator"), "").status_code == 200


@pytest.mark.usefixtures("proven")
def test_the_preview_shows_every_change_and_makes_none(client_as: ClientAs) -> None:
    page = promote(client_as("operator"), "").content.decode()
    for told in ("Promote atomicMeltOperations to Production", "1 joins the allow-list", "npub1anna", "npub1carl"):
        assert told in page
    assert "No rule of Production asks for an approval" in page
    assert not flags.selectors.state(KEY, "production").enabled
    same = promote(client_as("operator"), "", flag=["calm"]).content.decode()
    assert "There is nothing to promote" in same


@pytest.mark.usefixtures("proven")
def test_a_promotion_is_made_with_a_reason_and_only_as_it_was_shown(client_as: ClientAs, who: dict[str, Any]) -> None:
    client = client_as("operator")
    looked_at = promote(client, "").context["form"].initial["looked_at"]
    assert "Say why" in promote(client, looked_at=looked_at, reason="").content.decode()
    rollout.set_rollout(KEY, "pre-production", 50, **who)
    refused = promote(client, looked_at=looked_at)
    assert refused.status_code == 409
    assert "has changed since you looked" in refused.content.decode()
    again = refused.context["form"]["looked_at"].value()
    assert promote(client, looked_at=again).status_code == 302
    assert flags.selectors.state(KEY, "production").percentage == 50


@pytest.mark.usefixtures("proven")
def test_parts_can_be_left_out(client_as: ClientAs) -> None:
    page = promote(client_as("operator"), "", part=["parameters"])
    assert "joins the allow-list" not in page.content.decode()
    looked_at = page.context["form"].initial["looked_at"]
    assert promote(client_as("operator"), part=["parameters"], looked_at=looked_at).status_code == 302
    state = flags.selectors.state(KEY, "production")
    assert (state.enabled, state.parameters) == (False, {"severityThreshold": "HIGH"})


@pytest.mark.usefixtures("proven")
def test_what_a_rule_holds_up_is_asked_for_with_the_same_values(client_as: ClientAs) -> None:
    asked: list[Any] = []

    def open_request(environment: str, changes: Any, **about: Any) -> str:
        asked.append((environment, [change.kind for change in changes], about["title"], about["reason"]))
        return "/admin/request/1/"

    ApprovalRule.objects.create(environment=environments.get("production"), kind=ChangeKind.PROMOTION.value)
    forget = answer_with(open_request)
    client = client_as("operator")
    page = promote(client, "").content.decode()
    assert "Every promotion: 1 approval" in page
    refused = promote(client)
    assert (refused.status_code, asked) == (409, [])
    page = refused.content.decode()
    assert f"In Production, {KEY} is promoted." in page
    assert "Ask for approval" in page
    assert "passed" in page
    answer = promote(client, "ask")
    forget()
    assert answer.url == "/admin/request/1/"
    assert asked == [("production", ["flag.promotion"], f"Promote {KEY} to Production", "passed")]
    assert not flags.selectors.state(KEY, "production").enabled


@pytest.mark.usefixtures("proven")
def test_skipping_an_environment_asks_why_and_for_an_approver(client_as: ClientAs) -> None:
    client = client_as("operator")
    page = promote(client, "", source="staging", target="production").content.decode()
    assert "This skips Pre-Production" in page
    refused = promote(client, source="staging", target="production")
    assert "Say why: an approver has to waive" in refused.content.decode()
    refused = promote(client, source="staging", target="production", waiver="hot fix")
    assert (refused.status_code, "which an approver must waive" in refused.content.decode()) == (409, True)


@pytest.mark.usefixtures("proven")
@pytest.mark.parametrize(
    "form", [{"flag": []}, {"flag": ["nothing"]}, {"part": ["salt"]}, {"target": "pre-production"}]
)
def test_a_promotion_that_cannot_be_says_why(client_as: ClientAs, form: dict[str, Any]) -> None:
    page = promote(client_as("operator"), "", **form)
    assert page.status_code == 200
    assert 'role="alert"' in page.content.decode()
    assert "Traceback" not in page.content.decode()


@pytest.mark.usefixtures("proven")
def test_an_unknown_environment_is_a_404(client_as: ClientAs) -> None:
    assert promote(client_as("operator"), "", target="moon").status_code == 404
