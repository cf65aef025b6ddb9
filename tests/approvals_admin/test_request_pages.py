"""The inbox and the page of a change request: what they tell, and what they let whom do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

import flags.selectors
from approvals.models import ChangeRequest
from approvals.services import applying, deciding
from core import beside
from core.actors import Actor, ActorKind
from core.asking import Change
from flags.services import rollout
from rollouts.domain.template import RampStepSpec
from rollouts.services import templates
from tests.approvals_admin.conftest import KEY, OPERATOR, Ask, Send, half

ANNA = Actor("anna", ActorKind.PERSON)
BEN = Actor("ben", ActorKind.PERSON)
See = Callable[..., str]


def approved(request: ChangeRequest, by: Actor = ANNA) -> ChangeRequest:
    return deciding.approve(request.pk, digest=request.digest, actor=by, now=timezone.now())


def state_of(request: ChangeRequest) -> str:
    return ChangeRequest.objects.get(pk=request.pk).state


def test_the_page_tells_what_changes_why_it_needs_approval_and_who_asked(ask: Ask, see: See) -> None:
    request = ask(half(), Change("flag.allow_list", KEY, {"add": ["npub1a", "npub1b"], "remove": []}))
    page = see("viewer", request)
    for told in ("percentage", "0", "50", "2 join the allow-list", "npub1a", "rises by 50 points", "all is calm"):
        assert told in page
    assert "1 more person has to approve it" in page
    assert "data-dialog" not in page.partition('id="ops-live"')[2].partition('id="ops-lost"')[0]


def test_an_operator_asks_an_approver_approves_and_the_change_is_applied_and_reverted(
    ask: Ask, send: Send, see: See
) -> None:
    request = ask()
    assert send("approver", request, "approve", reason="seen").status_code == 302
    assert "Apply" in see("operator", request)
    assert send("operator", request, "apply").status_code == 302
    state = flags.selectors.state(KEY, "production")
    assert (state.enabled, state.percentage) == (True, 50)
    assert send("operator", request, "revert", reason="errors").status_code == 302
    state = flags.selectors.state(KEY, "production")
    assert (state.enabled, state.percentage) == (False, 0)
    page = see("operator", request)
    assert "Taken back by operator" in page
    assert reverse("admin:approvals_request_revert", args=[request.pk]) not in page


def test_what_one_asked_for_one_cannot_approve_and_the_page_says_why(ask: Ask, send: Send, see: See) -> None:
    request = ask(actor=Actor("approver", ActorKind.PERSON))
    page = see("approver", request)
    assert "approver asked for this" in page
    assert reverse("admin:approvals_request_approve", args=[request.pk]) not in page
    refused = send("approver", request, "approve")
    assert (refused.status_code, state_of(request)) == (403, "open")


def test_an_approval_counts_for_what_was_looked_at_alone(ask: Ask, send: Send) -> None:
    request = ask()
    looked_at = request.digest
    send("operator", request, "edit", title="To 60", change0_enabled="True", change0_percentage="60")
    refused = send("approver", request, "approve", digest=looked_at, reason="fine", htmx=True)
    page = refused.content.decode()
    assert "is not what you looked at any more" in page
    assert "percentage 0 → 60" in page
    assert "fine" in page
    assert state_of(request) == "open"
    fresh = refused.context["form"]["digest"].value()
    assert send("approver", request, "approve", digest=fresh).status_code == 302
    assert state_of(request) == "approved"


def test_a_change_underneath_voids_the_approval_and_the_page_offers_the_way_on(ask: Ask, send: Send, see: See) -> None:
    request = approved(ask())
    rollout.set_rollout(KEY, "production", 5, actor=BEN, reason="by hand", now=timezone.now())
    page = see("approver", request)
    assert "The ground has moved: no approval counts." in page
    for told in ("Rollout changed", "ben", "by hand", "percentage"):
        assert told in page
    assert "Lay it on the present state" in page
    assert "Apply</a>" not in page
    assert send("operator", request, "apply").status_code == 409
    assert send("operator", request, "refresh").status_code == 302
    page = see("approver", request)
    assert ("The ground has moved" in page, "void" in page, "Approve" in page) == (False, True, True)


def test_the_editor_of_a_request_gives_up_approving_it(ask: Ask, send: Send, see: See) -> None:
    request = ask()
    form = {"title": "T", "change0_enabled": "True", "change0_percentage": "30"}
    assert send("approver", request, "edit", **form).status_code == 302
    request.refresh_from_db()
    assert request.changes[0]["payload"] == {"enabled": True, "percentage": "30"}
    assert "or edited it" in see("approver", request)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"change0_percentage": "200"}, "0 to 100"),
        ({"title": ""}, "required"),
        ({"reason": ""}, "Say why"),
        ({"change1_payload": "{"}, "This is no JSON"),
        ({"change1_payload": "[]"}, "Write a JSON object"),
        ({"change0_without": "on", "change1_without": "on"}, "1 to 200 changes"),
        ({"version": 99}, "changed by someone else"),
    ],
)
def test_an_edit_that_cannot_be_keeps_what_was_typed(ask: Ask, send: Send, values: dict[str, Any], told: str) -> None:
    promoted = {"source": "pre-production", "configuration": {"parameters": {"a": 1}}}
    request = ask(half(), Change("flag.promotion", KEY, promoted))
    payload = '{"source": "pre-production", "configuration": {"parameters": {"a": 2}}}'
    form = {"title": "T", "change0_enabled": "True", "change0_percentage": "50", "change1_payload": payload}
    page = send("operator", request, "edit", htmx=True, **{**form, **values}).content.decode()
    assert told in page
    assert ChangeRequest.objects.get(pk=request.pk).changes == request.changes


def test_one_change_of_several_can_be_left_out(ask: Ask, send: Send) -> None:
    request = ask(half(), Change("flag.allow_list", KEY, {"add": ["npub1a"], "remove": []}))
    form = {"title": "T", "change0_without": "on", "change0_enabled": "True", "change0_percentage": "50"}
    assert send("operator", request, "edit", change1_add="npub1b npub1c", change1_remove="", **form).status_code == 302
    request.refresh_from_db()
    assert [change["payload"] for change in request.changes] == [{"add": ["npub1b", "npub1c"], "remove": []}]


def test_a_schedule_names_zone_and_clock_change_before_it_is_set(
    ask: Ask, send: Send, see: See, client_as: Callable[[str], Client], stopped: Any
) -> None:
    stopped.move_to("2025-10-20T09:00:00Z", tick=False)
    request = approved(ask())
    address = reverse("admin:approvals_request_reschedule", args=[request.pk])
    live = {"HX-Request": "true", "HX-Trigger-Name": "apply_at"}
    asked = {"apply_at": "2025-10-26T02:30", "zone": "Europe/Berlin"}
    told = client_as("operator").get(address, asked, headers=live).content.decode()
    assert "2025-10-26 02:30 CEST (Europe/Berlin), the first of the two times" in told
    assert "The approval of anna is void then" in told
    skipped = client_as("operator").get(address, {**asked, "apply_at": "2026-03-29T02:30"}, headers=live)
    assert "does not exist in Europe/Berlin" in skipped.content.decode()
    assert send("operator", request, "reschedule", **asked).status_code == 302
    request.refresh_from_db()
    assert (request.apply_at.isoformat(), request.state) == ("2025-10-26T00:30:00+00:00", "open")
    assert "02:30 CEST (Europe/Berlin)" in see("viewer", request)
    assert send("operator", request, "reschedule", apply_at="", zone="UTC").status_code == 302
    request.refresh_from_db()
    assert request.apply_at is None


def test_two_requests_for_one_flag_stand_side_by_side(ask: Ask, see: See) -> None:
    first, second = ask(), ask(half("80", parameters={"a": 1}), title="To most", actor=BEN)
    page = see("viewer", first)
    assert f"request {second.pk}" in page
    assert "To most" in page
    clash = page.partition("Conflict with request")[2]
    assert clash.index("percentage") < clash.index("parameters.a")  # those that both change come first
    applying_it = approved(first)
    applying.apply(applying_it.pk, actor=OPERATOR, now=timezone.now())
    assert "Conflict with" not in see("viewer", first)


def test_comments_stay_when_a_request_is_closed(ask: Ask, send: Send, see: See) -> None:
    request = ask()
    assert send("operator", request, "comment", reason="Is <b>Berlin</b> ready?").status_code == 302
    assert send("approver", request, "reject", reason="not on a Friday").status_code == 302
    assert send("operator", request, "comment", reason="Monday then").status_code == 302
    page = see("viewer", request)
    for told in ("Is &lt;b&gt;Berlin&lt;/b&gt; ready?", "Monday then", "Rejected by approver", "not on a Friday"):
        assert told in page


COMMANDS = {
    "approve": "approver",
    "reject": "approver",
    "comment": "operator",
    "edit": "operator",
    "reschedule": "operator",
    "refresh": "operator",
    "withdraw": "operator",
    "apply": "operator",
    "revert": "operator",
}


@pytest.mark.parametrize(("name", "role"), COMMANDS.items())
def test_each_command_needs_its_permission(
    ask: Ask, send: Send, client_as: Callable[[str], Client], name: str, role: str
) -> None:
    request = ask()
    address = reverse(f"admin:approvals_request_{name}", args=[request.pk])
    refused = "viewer" if role == "operator" else "operator"
    assert client_as(refused).get(address).status_code == 403
    assert send(refused, request, name).status_code == 403
    assert state_of(request) == "open"
    assert client_as(role).get(address).status_code == 200
    assert Client().get(address).status_code == 302
    assert client_as(role).get(address.replace(str(request.pk), "987654")).status_code == 404


def test_only_who_stands_behind_a_request_withdraws_it(ask: Ask, send: Send) -> None:
    request = ask()
    assert send("approver", request, "withdraw").status_code == 403
    assert send("operator", request, "withdraw", reason="").status_code == 302
    assert state_of(request) == "withdrawn"


def test_the_list_has_a_tab_for_what_waits_for_me(ask: Ask, see: See) -> None:
    request = ask()
    done = ask(title="Done already")
    approved(done)
    applying.apply(done.pk, actor=OPERATOR, now=timezone.now())
    assert ("Waits for me 1" in see("approver"), "Waits for me" in see("operator")) == (True, False)
    assert request.title not in see("operator", tab="waits")
    rollout.set_rollout(KEY, "staging", 1, actor=BEN, reason="", now=timezone.now())
    page = see("approver", tab="waits")
    assert (request.title in page, "Done already" in page) == (True, False)
    assert ("Done already" in see("viewer"), "Done already" in see("viewer", tab="closed")) == (False, True)
    assert request.title in see("operator", tab="mine")
    assert "You have asked for nothing" in see("viewer", tab="mine")
    assert request.title in see("viewer", flag=KEY)
    for odd in ({"tab": "x"}, {"flag": "nothing"}, {"q": "\0"}, {"environment__id__exact": "99"}):
        assert "Change requests" in see("viewer", **odd)


def test_the_list_asks_a_fixed_number_of_queries(
    ask: Ask, see: See, client_as: Callable[[str], Client], django_assert_max_num_queries: Callable[..., Any]
) -> None:
    for number in range(12):
        ask(half(str(30 + number)), title=f"Number {number}")
    client = client_as("approver")
    with django_assert_max_num_queries(18):
        client.get(reverse("admin:approvals_changerequest_changelist"))
    with django_assert_max_num_queries(30):
        client.get(reverse("admin:approvals_changerequest_change", args=[ChangeRequest.objects.first().pk]))  # type: ignore[union-attr]


def test_the_flag_tells_of_the_requests_that_wait_for_it_and_warns_who_changes_it_by_hand(
    ask: Ask, client_as: Callable[[str], Client]
) -> None:
    first = ask()
    state = flags.selectors.state(KEY, "production")
    assert beside.flag_notes()[KEY, "production"][0].text == "1 change request"
    ask(half("70"))
    client = client_as("operator")
    page = client.get(reverse("admin:flags_flagstate_change", args=[state.pk])).content.decode()
    assert "2 change requests wait for this flag" in page
    dialog = client.get(reverse("admin:flags_rollout", args=[state.pk])).content.decode()
    assert "this change voids the approvals" in dialog
    assert str(first.pk) in dialog
    event = client.get(reverse("admin:core_event_changelist")).content.decode()
    assert reverse("admin:approvals_changerequest_change", args=[first.pk]) in event


def test_a_form_that_a_rule_refuses_asks_with_what_was_typed(rules: None, client_as: Callable[[str], Client]) -> None:
    state = flags.selectors.state(KEY, "production")
    rollout.enable(KEY, "production", actor=BEN, reason="go", now=timezone.now())
    client = client_as("operator")
    address = reverse("admin:flags_rollout", args=[state.pk])
    form = {"percentage": "60", "reason": "week 6", "version": state.version + 1, "seen": 0}
    refused = client.post(address, form, headers={"HX-Request": "true"})
    page = refused.content.decode()
    assert "This needs the approval of one other person" in page
    assert "rises by 60 points" in page
    assert ("week 6" in page, 'value="60"' in page, "Ask for approval" in page) == (True, True, True)
    answer = client.post(address, {**form, "step": "ask"}, headers={"HX-Request": "true"})
    request = ChangeRequest.objects.get()
    assert answer.headers["HX-Redirect"] == reverse("admin:approvals_changerequest_change", args=[request.pk])
    assert (request.requested_by, request.reason) == ("operator", "week 6")
    assert request.changes == [{"kind": "flag.state", "flag": KEY, "payload": {"percentage": "60"}}]
    assert flags.selectors.state(KEY, "production").percentage == 0
    refused = client.post(address, {**form, "percentage": "10", "step": "ask"})
    assert (refused.status_code, "needs no approval" in refused.content.decode()) == (409, True)
    assert flags.selectors.state(KEY, "production").percentage == 0


def test_an_emergency_disable_waits_for_nobody_and_leaves_the_request_to_be_looked_at_again(
    ask: Ask, see: See, client_as: Callable[[str], Client]
) -> None:
    request = approved(ask())
    applying.apply(request.pk, actor=OPERATOR, now=timezone.now())
    other = approved(ask(half("100")))
    address = reverse("admin:flags_emergency", args=[flags.selectors.state(KEY, "production").pk])
    assert client_as("operator").post(address, {"reason": "melts fail"}).status_code == 302
    assert not flags.selectors.state(KEY, "production").enabled
    assert "melts fail" in see("viewer", other)


def test_the_second_of_two_operators_sees_what_the_first_changed_and_loses_nothing(
    flag: object, client_as: Callable[[str], Client]
) -> None:
    client = client_as("operator")
    state = flags.selectors.state(KEY, "production")
    address = reverse("admin:flags_rollout", args=[state.pk])
    opened = client.get(address, headers={"HX-Request": "true"}).context["form"].initial
    rollout.set_rollout(KEY, "production", 15, actor=BEN, reason="calm since noon", now=timezone.now())
    form = {"percentage": "10", "reason": "week 5", "version": opened["version"], "seen": opened["seen"]}
    page = client.post(address, form, headers={"HX-Request": "true"})
    told = page.content.decode()
    for part in ("changed by someone else", "ben", "calm since noon", "percentage", "15", "week 5"):
        assert part in told
    again = page.context["form"]
    form |= {"version": again["version"].value(), "seen": again["seen"].value()}
    assert client.post(address, form).status_code == 302
    assert flags.selectors.state(KEY, "production").percentage == 10


def test_an_expired_request_offers_nothing_but_words(ask: Ask, see: See, stopped: Any) -> None:
    request = approved(ask())
    stopped.move_to(timezone.now() + timedelta(days=4), tick=False)
    page = see("approver", request)
    assert "expired" in page
    for gone in ("Apply", "Approve", "Edit"):
        assert f"{gone}</a>" not in page


def test_home_and_the_sidebar_tell_what_waits_for_whom(ask: Ask, client_as: Callable[[str], Client]) -> None:
    request = ask()
    home = reverse("admin:index")
    for role, told in (("approver", True), ("operator", False), ("viewer", False)):
        page = client_as(role).get(home).content.decode()
        assert ("to approve" in page, "Nothing: no approval" in page) == (told, not told)
    events = reverse("admin:core_event_changelist")
    assert "bg-orange" in client_as("approver").get(events).content.decode()
    approved(request)
    assert "to apply" in client_as("operator").get(home).content.decode()
    assert "Nothing: no approval" in client_as("approver").get(home).content.decode()


def test_a_ramp_that_is_asked_for_shows_its_steps_and_its_conflict(ask: Ask, see: See) -> None:
    steps = [RampStepSpec("5.1", week=1, day=1, percentage=Decimal(10)), RampStepSpec("6.1", 2, 1, Decimal(100))]
    templates.define("phased", name="T", flag_key=KEY, steps=steps, actor=OPERATOR, reason="r", now=timezone.now())
    request = ask(Change("ramp.start", KEY, {"template": "phased"}))
    ask(half())
    page = see("viewer", request)
    for told in ("New ramp", "phased", "5.1: 10 %", "6.1: 100 %", "ramp.start", "by the clock"):
        assert told in page
    assert "raises it by the clock, 5.1: 10 %; 6.1: 100 %" in see("viewer")
