"""The pages of the freezes, through Django's client."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from approvals.services import requests
from core import events, freezes, freezing
from core.actors import Actor
from core.asking import Change
from core.freezing import Plan
from core.models import Environment, Freeze, FreezeOverride

pytestmark = pytest.mark.usefixtures("all_environments")
ClientAs = Callable[[str], Client]
HOME = "/admin/core/freeze/"


@pytest.fixture
def frozen_now(operator_actor: Actor) -> Freeze:
    """Production and staging are frozen at this very moment, for four more hours."""
    now = timezone.now()
    wanted = Plan(
        name="Pay day",
        reason="Everybody melts today.",
        environments=["staging", "production"],
        zone="Europe/Berlin",
        starts_at=f"{(now - timedelta(hours=4)).astimezone(freezing_zone()).replace(tzinfo=None):%Y-%m-%dT%H:%M}",
        duration=8 * 3600,
    )
    return freezing.plan(wanted, actor=operator_actor, now=now)


def freezing_zone():
    from zoneinfo import ZoneInfo

    return ZoneInfo("Europe/Berlin")


def filled(**over: object) -> dict[str, object]:
    return {
        "name": "Month end",
        "reason": "The books are closed.",
        "environments": ["production"],
        "starts_on": "2030-01-31T18:00",
        "zone": "Europe/Berlin",
        "lasts": "14",
        "unit": "hours",
        "repeats": "last_working_day",
    } | over


PAGES = ["", "add/", "{pk}/change/", "{pk}/edit/", "{pk}/end/", "{pk}/override/"]


@pytest.mark.parametrize("role", ["viewer", "operator", "approver", "administrator"])
@pytest.mark.parametrize("page", PAGES)
def test_everybody_sees_freezes_and_approvers_alone_plan_and_override(
    client_as: ClientAs, frozen_now: Freeze, role: str, page: str
) -> None:
    answer = client_as(role).get(HOME + page.format(pk=frozen_now.pk))
    open_to_all = page in ("", "{pk}/change/")
    assert answer.status_code == (200 if role == "approver" or open_to_all else 403)


def test_a_viewer_cannot_post_what_he_may_not_see(client_as: ClientAs, frozen_now: Freeze) -> None:
    for page in PAGES[1:]:
        if page != "{pk}/change/":
            assert client_as("operator").post(HOME + page.format(pk=frozen_now.pk), filled()).status_code == 403
    assert Freeze.objects.get().version == 1


def test_a_freeze_is_planned_by_words(client_as: ClientAs) -> None:
    client = client_as("approver")
    answer = client.post(HOME + "add/", filled(but_not="2030-12-31, 2031-12-31"))

    freeze = Freeze.objects.get()
    assert answer["Location"] == f"/admin/core/freeze/{freeze.pk}/change/"
    assert freeze.recurrence == "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"
    assert freeze.but_not == ["2030-12-31", "2031-12-31"]
    assert (freeze.duration, freeze.created_by) == (14 * 3600, "approver")
    page = client.get(answer["Location"]).content.decode()
    assert "Thu 31 Jan 2030 18:00 to Fri 1 Feb 2030 08:00 CET" in page
    assert "On the last working day (Monday to Friday) of every month" in page


@pytest.mark.parametrize(
    ("over", "sentence"),
    [
        ({"repeats": "rule", "rule": "FREQ=SECONDLY"}, "a freeze recurs DAILY, WEEKLY, MONTHLY or YEARLY"),
        ({"repeats": "rule", "rule": ""}, "is no part of a rule"),
        ({"repeats": "daily", "lasts": "25"}, "and the next one starts"),
        ({"repeats": "month_days", "month_days": "40"}, "BYMONTHDAY=40: it must be a whole number from 1 to 31"),
        ({"lasts": "45", "unit": "days"}, "1 minute to 31 days"),
        ({"starts_on": "tomorrow"}, "is no date and time"),
        ({"starts_on": "2024-01-01T10:00", "repeats": "once"}, "This freeze would be over already"),
        ({"but_not": "xmas"}, "is no date. Write it like 2025-12-24."),
        ({"zone": "Mars/Olympus"}, "Select a valid choice"),
        ({"environments": []}, "Choose at least one environment."),
        ({"environments": ["moon"]}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_is_told_and_nothing_typed_is_lost(
    client_as: ClientAs, over: dict[str, object], sentence: str
) -> None:
    answer = client_as("approver").post(HOME + "add/", filled(**over))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert sentence in page.replace("&#x27;", "'")
    assert "The books are closed." in page
    assert not Freeze.objects.exists()


def test_the_next_occurrences_are_shown_while_typing(client_as: ClientAs) -> None:
    asked = {"starts_on": "2030-03-31T02:30", "zone": "Europe/Berlin", "lasts": "1", "unit": "hours"}
    page = client_as("approver").get(
        HOME + "add/", asked | {"repeats": "weekly", "days": "SU"}, headers={"HX-Request": "true"}
    )
    text = page.content.decode()
    assert "Every Sunday." in text
    assert "Sun 31 Mar 2030 03:30 to 04:30 CEST" in text
    assert "The clocks skip 02:30 on 2030-03-31" in text
    assert text.count("<li data-tone") == 5
    assert "<form" not in text


def test_the_form_of_a_freeze_holds_what_it_is_and_changes_it(client_as: ClientAs, operator_actor: Actor) -> None:
    client = client_as("approver")
    client.post(HOME + "add/", filled(repeats="weekly", days=["MO", "FR"], until="2031-01-31"))
    freeze = Freeze.objects.get()
    form = client.get(f"{HOME}{freeze.pk}/edit/").context["form"]
    assert form.initial["repeats"] == "weekly"
    assert form.initial["days"] == ["MO", "FR"]
    assert form.initial["until"] == "2031-01-31"
    assert (form.initial["lasts"], form.initial["unit"]) == (14, "hours")

    values = {name: value for name, value in form.initial.items() if value is not None} | {
        "name": "Books",
        "why": "Clearer.",
    }
    assert client.post(f"{HOME}{freeze.pk}/edit/", values).status_code == 302
    event = events.about(f"freeze:{freeze.pk}").first()
    assert event is not None
    assert (event.kind, event.reason, event.actor) == ("freeze.changed", "Clearer.", "approver")
    assert (event.before["name"], event.after["name"]) == ("Month end", "Books")

    again = client.post(f"{HOME}{freeze.pk}/edit/", values | {"name": "Mine"})
    assert again.status_code == 422
    assert "changed by someone else" in again.content.decode()
    assert 'value="Mine"' in again.content.decode()


def test_changes_are_let_through_and_frozen_again(client_as: ClientAs, frozen_now: Freeze) -> None:
    client = client_as("approver")
    production = Environment.objects.get(key="production")
    dialog = client.get(f"{HOME}{frozen_now.pk}/override/?environment=production", headers={"HX-Request": "true"})
    initial = dialog.context["form"].initial

    refused = client.post(f"{HOME}{frozen_now.pk}/override/", initial | {"reason": " "})
    assert "Say why" in refused.content.decode()
    done = client.post(f"{HOME}{frozen_now.pk}/override/", initial | {"reason": "Outage of the fallback."})
    assert done.status_code == 302
    row = FreezeOverride.objects.get()
    assert (row.by, row.environment) == ("approver", production)
    assert freezes.holding(production.pk, now=timezone.now()) is None
    assert "approver lets changes through until" in client.get(f"{HOME}{frozen_now.pk}/change/").content.decode()

    lift = f"{HOME}{frozen_now.pk}/override/{row.pk}/lift/"
    assert client_as("operator").post(lift, {"reason": "r"}).status_code == 403
    assert client.post(lift, {"reason": "It is fixed."}).status_code == 302
    assert freezes.holding(production.pk, now=timezone.now()) is not None


def test_a_dialog_whose_occurrence_has_ended_says_so(client_as: ClientAs, frozen_now: Freeze) -> None:
    client = client_as("approver")
    initial = client.get(f"{HOME}{frozen_now.pk}/override/").context["form"].initial
    with time_machine.travel(timezone.now() + timedelta(hours=5), tick=False):
        answer = client_as("approver").post(f"{HOME}{frozen_now.pk}/override/", initial | {"reason": "r"}, follow=True)
    assert "does not hold then any more" in answer.content.decode()
    assert not FreezeOverride.objects.exists()


def test_a_freeze_is_ended_with_a_reason(client_as: ClientAs, frozen_now: Freeze) -> None:
    client = client_as("approver")
    assert "changes and ramps go on at once" in client.get(f"{HOME}{frozen_now.pk}/end/").content.decode()
    assert client.post(f"{HOME}{frozen_now.pk}/end/", {"reason": "Over.", "version": 1}).status_code == 302
    assert Freeze.objects.get().ended_at is not None
    assert client.get(f"{HOME}{frozen_now.pk}/override/", follow=True).status_code == 200


def test_the_month_shows_bars_and_a_list(client_as: ClientAs, operator_actor: Actor, now: datetime) -> None:
    wanted = Plan(
        "Pay day", "Melts.", ["production"], "UTC", "2025-08-29T18:00", 4 * 86400, "FREQ=MONTHLY;BYMONTHDAY=29"
    )
    freezing.plan(wanted, actor=operator_actor, now=now)
    client = client_as("viewer")
    page = client.get(HOME + "?month=2025-08").content.decode()
    assert "August 2025" in page
    assert "--column: 5; --width: 3; --lane: 1" in page  # Friday to Sunday
    assert 'data-open="after"' in page
    assert "--column: 1; --width: 2; --lane: 1" in client.get(HOME + "?month=2025-09").content.decode()  # on to Tuesday
    assert "Nothing is frozen" in client.get(HOME + "?month=2025-08&environment=staging").content.decode()
    assert client.get(HOME + "?month=nonsense").status_code == 200
    assert client.get(HOME + "?month=9999-12").status_code == 200


def test_the_month_takes_a_fixed_number_of_queries(
    client_as: ClientAs, operator_actor: Actor, now: datetime, django_assert_max_num_queries
) -> None:
    client = client_as("viewer")
    for number in range(12):
        wanted = Plan(
            f"F{number}", "r", ["production", "staging"], "UTC", f"2025-08-{number + 12}T18:00", 3600, "FREQ=DAILY"
        )
        freezing.plan(wanted, actor=operator_actor, now=now)
    with django_assert_max_num_queries(14):
        assert client.get(HOME + "?month=2025-09").status_code == 200


@pytest.mark.parametrize("page", ["77/change/", "77/edit/", "77/end/", "77/override/", "77/override/3/lift/"])
def test_an_unknown_freeze_is_not_found(client_as: ClientAs, page: str) -> None:
    assert client_as("approver").get(HOME + page).status_code == 404


def test_the_note_names_the_freeze_and_who_may_do_what(client_as: ClientAs, frozen_now: Freeze) -> None:
    page = client_as("approver").get("/admin/").content.decode()
    assert "Production is frozen until" in page
    assert "Everybody melts today." in page


def test_home_names_the_next_freeze(client_as: ClientAs, operator_actor: Actor) -> None:
    start = datetime.now(UTC) + timedelta(days=3)
    wanted = Plan("Pay day", "Melts.", ["production"], "UTC", f"{start:%Y-%m-%dT%H:%M}", 3600)
    freezing.plan(wanted, actor=operator_actor, now=timezone.now())
    assert "Next freeze" in client_as("viewer").get("/admin/").content.decode()


def test_scheduled_requests_are_on_the_calendar(
    client_as: ClientAs, flag: object, operator_actor: Actor, now: datetime
) -> None:
    wanted = [Change("flag.state", "atomicMeltOperations", {"percentage": 5})]
    at = datetime(2025, 8, 20, 10, 30, tzinfo=UTC)
    said = {"title": "Five percent", "reason": "r", "actor": operator_actor, "now": now}
    asked = requests.open_request("production", wanted, apply_at=at, zone="UTC", **said)
    page = client_as("viewer").get(HOME + "?month=2025-08").content.decode()
    assert f"10:30 Request {asked.pk}: Five percent" in page
    assert f"/admin/approvals/changerequest/{asked.pk}/change/" in page
    assert "Five percent" not in client_as("viewer").get(HOME + "?month=2025-10").content.decode()
