"""On-call plans and escalations by the admin, by REST and by the command line: the same services, the same refusals."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from core.models import User
from flags.models import Flag
from flags.services import tokens
from flags.services.tokens import Scope
from oncall import selectors
from oncall.models import Chain, Escalation, Override, Schedule
from oncall.services import escalating, planning, ticking
from tests.oncall.conftest import ANNA, WEEKLY

pytestmark = pytest.mark.django_db
ClientAs = Callable[[str], Client]
BOARD = "/admin/oncall/schedule/"
ESCALATIONS = "/admin/oncall/escalation/"


def layers(**over: str) -> dict[str, str]:
    first = {"name": "Weekly", "people": "ada, bob", "turn": "1w", "starts": "2025-08-04T09:00"}
    return {f"layer0_{name}": value for name, value in first.items()} | over


def form(**over: str) -> dict[str, str]:
    return {
        "key": "first-line",
        "name": "First line",
        "zone": "Europe/Berlin",
        "why": "new",
        "rows": "2",
        **layers(),
        **over,
    }


@pytest.fixture
def running(major: Chain, all_environments: None) -> Escalation:
    now = timezone.now()
    told = {"chain": "major", "title": "Melts fail", "level": 2, "environment": "production", "actor": ANNA, "now": now}
    return escalating.start("incident:12", **told)


# --- admin ---


@pytest.mark.parametrize(
    ("path", "needed"),
    [
        (BOARD, "viewer"),
        (f"{BOARD}{{schedule}}/change/", "viewer"),
        (f"{BOARD}key/first-line/", "viewer"),
        (f"{BOARD}add/", "approver"),
        (f"{BOARD}{{schedule}}/edit/", "approver"),
        (f"{BOARD}{{schedule}}/remove/", "approver"),
        (f"{BOARD}{{schedule}}/take/", "operator"),
        ("/admin/oncall/chain/", "viewer"),
        ("/admin/oncall/chain/{chain}/change/", "viewer"),
        ("/admin/oncall/chain/key/major/", "viewer"),
        ("/admin/oncall/chain/add/", "approver"),
        ("/admin/oncall/chain/{chain}/edit/", "approver"),
        ("/admin/oncall/chain/{chain}/remove/", "approver"),
        (ESCALATIONS, "viewer"),
        (f"{ESCALATIONS}{{escalation}}/change/", "viewer"),
        (f"{ESCALATIONS}{{escalation}}/acknowledge/", "operator"),
        (f"{ESCALATIONS}{{escalation}}/stop/", "operator"),
        (f"{ESCALATIONS}call/", "operator"),
    ],
)
def test_each_page_opens_for_those_who_may_and_for_nobody_else(
    path: str, needed: str, client_as: ClientAs, running: Escalation
) -> None:
    row, chain = Schedule.objects.get(), Chain.objects.get()
    url = path.format(schedule=row.pk, chain=chain.pk, escalation=running.pk)
    ranks = ("viewer", "operator", "approver")
    for role in ranks:
        allowed = ranks.index(role) >= ranks.index(needed)
        assert client_as(role).get(url).status_code in ((200, 302) if allowed else (403,)), role


def test_a_schedule_is_made_changed_and_removed_by_its_form(client_as: ClientAs, team: None) -> None:
    approver = client_as("approver")
    assert approver.post(f"{BOARD}add/", form()).status_code == 302
    row = Schedule.objects.get()
    assert row.layers == [{**WEEKLY["layers"][0], "hours": {}}]  # type: ignore[index]
    again = approver.post(f"{BOARD}add/", form())
    assert (again.status_code, "There is a schedule first-line already" in again.text) == (422, True)
    page = approver.get(f"{BOARD}{row.pk}/edit/").text
    assert 'value="ada, bob"' in page
    office = {"layer1_name": "Office", "layer1_people": "zoe", "layer1_turn": "1d", "layer1_starts": "2025-08-04T09:00"}
    office |= {"layer1_days": "mon", "layer1_from": "09:00", "layer1_to": "17:00", "version": "1"}
    preview = approver.get(f"{BOARD}{row.pk}/edit/", form(**office), headers={"HX-Request": "true"}).text
    assert "There is no account zoe" in preview
    assert approver.post(f"{BOARD}{row.pk}/edit/", form(**office)).status_code == 302
    row.refresh_from_db()
    assert row.layers[1]["hours"] == {"from": "09:00", "to": "17:00", "days": ["mon"]}
    stale = approver.post(f"{BOARD}{row.pk}/edit/", form(version="1", name="Other"))
    assert (stale.status_code, "was changed by someone else" in stale.text) == (422, True)
    wrong = approver.post(f"{BOARD}{row.pk}/edit/", form(version="2", layer0_turn="1m"))
    assert (wrong.status_code, "Write 1w, 2d or 12h" in wrong.text) == (422, True)
    assert approver.post(f"{BOARD}{row.pk}/remove/", {"reason": "not needed"}).status_code == 302
    assert not Schedule.objects.exists()


def test_a_chain_is_made_and_changed_by_its_form_in_the_order_of_its_places(
    client_as: ClientAs, first_line: Schedule
) -> None:
    approver = client_as("approver")
    steps = {
        "step0_do": "wait",
        "step0_value": "15",
        "step0_place": "2",
        "step1_do": "schedule",
        "step1_value": "first-line",
        "step1_place": "1",
        "step3_do": "people",
        "step3_value": "ada, carl",
        "step3_level": "2",
    }
    given = {"key": "major", "name": "Major", "why": "new", "rows": "6", **steps}
    assert approver.post("/admin/oncall/chain/add/", given).status_code == 302
    row = Chain.objects.get()
    assert row.steps == [
        {"notify": {"schedule": "first-line"}},
        {"wait": 15},
        {"notify": {"people": ["ada", "carl"]}, "fromLevel": 2},
    ]
    refused = approver.post("/admin/oncall/chain/add/", {**given, "key": "other", "step0_value": "soon"})
    assert (refused.status_code, "1 to 1440 minutes" in refused.text) == (422, True)
    unknown = approver.post("/admin/oncall/chain/add/", {**given, "key": "other", "step1_value": "second-line"})
    assert (unknown.status_code, "There is no schedule" in unknown.text) == (422, True)
    kept = approver.post(f"{BOARD}{first_line.pk}/remove/", {"reason": "x"})
    assert (kept.status_code, "is asked by the chain major" in kept.text) == (409, True)
    page = approver.get(f"/admin/oncall/chain/{row.pk}/edit/").text
    assert 'value="ada, carl"' in page


def test_an_operator_takes_a_shift_and_gives_it_back(client_as: ClientAs, first_line: Schedule) -> None:
    operator, now = client_as("operator"), timezone.now()
    soon, later = ((now + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M") for hours in (5, 9))
    given = {"person": "operator", "since": soon, "until": later, "reason": ""}
    assert operator.post(f"{BOARD}{first_line.pk}/take/", given).status_code == 302
    page = operator.get(f"{BOARD}{first_line.pk}/change/").text
    assert "Give back" in page
    row = Override.objects.get()
    past = operator.post(f"{BOARD}{first_line.pk}/take/", {**given, "until": "2020-01-01T00:00"})
    assert (past.status_code, "must be later than the beginning" in past.text) == (422, True)
    assert operator.post(f"{BOARD}{first_line.pk}/override/{row.pk}/give-back/", {"reason": ""}).status_code == 302
    again = operator.post(f"{BOARD}{first_line.pk}/override/{row.pk}/give-back/", {"reason": ""})
    assert again.status_code == 409
    row.refresh_from_db()
    assert (row.cancelled_by, selectors.overrides_ahead(selectors.schedule_of("first-line", now=now), now=now)) == (
        "operator",
        [],
    )


def test_what_was_taken_and_is_given_back_meanwhile_stays_true_for_the_past(
    first_line: Schedule, now: datetime
) -> None:
    hour = timedelta(hours=1)
    taken = planning.take_shift("first-line", "carl", now, now + 4 * hour, actor=ANNA, now=now)
    planning.give_back("first-line", taken.pk, actor=ANNA, now=now + 2 * hour)
    plan = selectors.plan_of(selectors.schedule_of("first-line", now=now))
    assert (plan.who(now + hour), plan.who(now + 3 * hour)) == (("carl",), ("bob",))


def test_the_board_names_who_is_on_call_and_each_gap(client_as: ClientAs, first_line: Schedule) -> None:
    text = client_as("viewer").get(BOARD).text
    assert "on call until" in text
    later = {"name": "Night", "people": ["ada"], "starts": "2099-01-01T09:00", "turn": "1d"}
    planning.define("night", {"name": "Night", "layers": [later]}, actor=ANNA, reason="", now=timezone.now())
    assert "Nobody is on call" in client_as("viewer").get(BOARD).text


def test_an_operator_acknowledges_and_a_viewer_does_not(client_as: ClientAs, running: Escalation) -> None:
    url = f"{ESCALATIONS}{running.pk}/acknowledge/"
    assert client_as("viewer").post(url, {"reason": ""}).status_code == 403
    assert "Next step" in client_as("operator").get(f"{ESCALATIONS}{running.pk}/change/").text
    assert client_as("operator").post(url, {"reason": "I look"}).status_code == 302
    running.refresh_from_db()
    assert (running.state, running.acknowledged_by) == ("acknowledged", "operator")
    assert client_as("operator").post(f"{ESCALATIONS}{running.pk}/stop/", {"reason": "over"}).status_code == 302
    assert client_as("operator").post(url, {"reason": ""}).status_code == 404


def test_people_are_called_by_hand(client_as: ClientAs, major: Chain) -> None:
    given = {"chain": "major", "title": "Try it", "level": "1", "environment": "", "reason": ""}
    done = client_as("operator").post(f"{ESCALATIONS}call/", given)
    row = Escalation.objects.get()
    assert (done.status_code, done.headers["Location"]) == (302, f"{ESCALATIONS}{row.pk}/change/")
    assert (row.title, row.started_by, row.chain) == ("Try it", "operator", "major")


@pytest.mark.parametrize("path", [BOARD, ESCALATIONS, "/admin/oncall/chain/"])
def test_a_list_asks_the_database_as_often_for_many_rows_as_for_one(
    path: str, client_as: ClientAs, running: Escalation, django_assert_max_num_queries: Any
) -> None:
    viewer = client_as("viewer")
    with django_assert_max_num_queries(25) as one:
        viewer.get(path)
    now = timezone.now()
    for number in range(30):
        planning.define(f"s{number}", WEEKLY, actor=ANNA, reason="", now=now)
        escalating.start(f"incident:{100 + number}", chain="major", title="x", level=1, actor=ANNA, now=now)
    Chain.objects.bulk_create(Chain(key=f"c{number}", name="c", steps=running.steps) for number in range(30))
    with django_assert_max_num_queries(len(one) + 1):
        viewer.get(path)


# --- REST ---


@pytest.fixture
def ask(flag: Flag, running: Escalation) -> Callable[..., Any]:
    """Asks `/api/v1` with a token of an environment."""

    def _ask(
        method: str, path: str, body: Any = None, *, scope: Scope = Scope.OPERATE, environment: str = "production"
    ) -> Any:
        _, made = tokens.create(f"{scope} {environment}", environment, [scope], actor=ANNA, now=timezone.now())
        sent = {"data": json.dumps(body), "content_type": "application/json"} if body is not None else {}
        return getattr(Client(), method)(f"/api/v1{path}", headers={"Authorization": f"Bearer {made}"}, **sent)

    return _ask


def test_a_token_sees_who_is_on_call_and_the_shifts(ask: Callable[..., Any]) -> None:
    (found,) = ask("get", "/oncall").json()
    assert (found["schedule"], len(found["people"]), found["next"]["from"] == found["until"]) == ("first-line", 1, True)
    shifts = ask("get", "/oncall/first-line/shifts?since=2025-08-11T00:00:00Z&until=2025-08-25T00:00:00Z").json()
    assert [each["people"] for each in shifts] == [["ada"], ["bob"], ["ada"]]
    assert ask("get", "/oncall/none").status_code == 404
    assert (
        ask("get", "/oncall/first-line/shifts?since=2025-08-11T00:00:00Z&until=2026-08-25T00:00:00Z").status_code == 422
    )
    assert ask("get", "/oncall", scope=Scope.EVALUATE).status_code == 403


def test_a_calendar_token_gets_the_schedule_as_a_file_and_another_does_not(ask: Callable[..., Any]) -> None:
    found = ask("get", "/oncall/first-line/calendar.ics", scope=Scope.CALENDAR)
    assert (found.status_code, found["Content-Type"]) == (200, "text/calendar; charset=utf-8")
    assert b"SUMMARY:ada" in found.content
    assert ask("get", "/oncall/first-line/calendar.ics", scope=Scope.OPERATE).status_code == 403


def test_a_token_acknowledges_in_its_environment_alone(ask: Callable[..., Any], running: Escalation) -> None:
    path = f"/escalations/{running.pk}"
    assert [each["id"] for each in ask("get", "/escalations?live=true").json()] == [running.pk]
    assert ask("get", "/escalations", environment="staging").json() == []
    assert ask("post", f"{path}/acknowledge", {}, environment="staging").status_code == 404
    done = ask("post", f"{path}/acknowledge", {"reason": "I look"})
    assert (done.status_code, done.json()["state"], done.json()["due_at"]) == (200, "acknowledged", None)
    escalating.stop("incident:12", actor=ANNA, reason="", now=timezone.now())
    assert ask("post", f"{path}/acknowledge", {}).status_code == 409


def test_prometheus_sees_what_waits_and_how_late_it_is(ask: Callable[..., Any], running: Escalation) -> None:
    Escalation.objects.update(due_at=timezone.now() - timedelta(seconds=90))
    _, token = tokens.create("metrics", "production", [Scope.REPORT], actor=ANNA, now=timezone.now())
    text = Client().get("/metrics", headers={"Authorization": f"Bearer {token}"}).text
    assert 'nctool_rollout_escalations_live{environment="production"} 1.0' in text
    assert 'nctool_rollout_escalation_overdue_seconds{environment="production"} 9' in text


# --- the command line ---


def said(*arguments: str) -> str:
    out = io.StringIO()
    call_command("oncall", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_line_tells_who_and_acknowledges(running: Escalation) -> None:
    ticking.tick(now=timezone.now())
    assert said("who").startswith("first-line")
    assert "(Weekly)" in said("schedule", "first-line", "--days", "20")
    assert "Melts fail (incident:12), running, next step in 1" in said("escalations")
    assert "acknowledged by" in said("acknowledge", str(running.pk), "--reason", "I look")
    assert "stopped" in said("stop", str(running.pk), "--reason", "over")
    assert said("escalations") == "Nobody is being called.\n"
    assert json.loads(said("escalations", "--all", "--json"))[0]["ended_reason"] == "over"
    with pytest.raises(CommandError, match="is over already") as refused:
        said("acknowledge", str(running.pk))
    assert refused.value.returncode == 3
    assert User.objects.filter(username="ada").exists()
