"""The risk of an environment, the register with its matrix, and the form."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from core import events
from core.actors import Actor
from monitoring.models import Trigger
from risk import selectors
from risk.models import Risk, Score
from risk.selectors import stack
from risk.services import register
from tests.monitoring_admin.conftest import trigger as trigger

ClientAs = Callable[..., Client]
Assessed = Callable[..., Score]
BACKEND = "django.contrib.auth.backends.ModelBackend"
PAGE = "/admin/risk/score/in/production/"


@pytest.fixture(autouse=True)
def _stopped(now: datetime) -> object:
    with time_machine.travel(now, tick=False):
        yield


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer
    return answer.content.decode()


def test_the_score_is_shown_with_its_factors_and_what_is_missing(
    client_as: ClientAs, assessed: Assessed, now: datetime
) -> None:
    row = assessed(now, systemLoad=None)
    shown = text(client_as("viewer"), PAGE)
    assert f"{row.score:.0f}" in shown
    for words in ("3.5 %", "3,200 ms", "Not measured: System load", f"between {row.low:.0f} and {row.high:.0f}"):
        assert words in shown
    assert shown.count("<circle") == 4  # none for what nobody knows


def test_unknown_is_never_shown_as_low(client_as: ClientAs, assessed: Assessed, now: datetime) -> None:
    client = client_as("viewer")
    assert "unknown: nothing was ever measured" in text(client, PAGE)
    missing = dict.fromkeys(("errorRate", "responseTime", "throughput", "userComplaints", "systemLoad"))
    assessed(now, **missing)
    shown = text(client, PAGE)
    assert "Nobody knows the risk now" in shown
    assert "The score is unknown." in shown


def test_an_old_assessment_says_so(client_as: ClientAs, assessed: Assessed, now: datetime) -> None:
    assessed(now - timedelta(minutes=10))
    assert "should be assessed every minute" in text(client_as("viewer"), PAGE)


def test_a_step_of_the_chart_is_its_worst_minute_and_a_gap_stays_a_gap(assessed: Assessed, now: datetime) -> None:
    for minutes, errors in ((1, 0.5), (3, 5.0), (4, 0.0), (20, None)):
        assessed(now - timedelta(minutes=minutes), errorRate=errors)
    end = int(now.timestamp())
    found = stack.worst("production", start=end - 3600, end=end, step=300)
    assert {(end - slot) // 60: row.factors["errorRate"]["value"] for slot, row in found.items()} == {5: 5.0, 20: None}


@pytest.mark.parametrize("more", [1, 40])
def test_the_pages_have_a_fixed_number_of_queries(
    more: int,
    client_as: ClientAs,
    assessed: Assessed,
    operator_actor: Actor,
    now: datetime,
    risk: Risk,
    trigger: Trigger,
    django_assert_max_num_queries: Callable[..., object],
) -> None:
    for number in range(more):
        assessed(now - timedelta(minutes=number))
        values = {"title": f"Risk {number}", "probability": "LOW", "impact": "LOW", "links": risk.links}
        register.define(f"risk-{number}", values, actor=operator_actor, reason="x", now=now)
    client = client_as("viewer")
    for address, most in ((PAGE, 14), ("/admin/risk/risk/", 12), (f"/admin/risk/risk/{risk.pk}/change/", 14)):
        with django_assert_max_num_queries(most):  # type: ignore[attr-defined]
            text(client, address)


def test_the_matrix_has_each_risk_in_its_cell_and_an_overdue_review_stands_out(client_as: ClientAs, risk: Risk) -> None:
    shown = text(client_as("viewer"), "/admin/risk/risk/")
    cell = shown.split("MEDIUM probability")[1].split("</tr>")[0].split("<td")[3]
    assert 'data-tone="warn"' in cell
    assert risk.title in cell
    assert "Review overdue" in shown
    assert "Register a risk" not in shown


def test_a_risk_shows_how_what_mitigates_it_stands(client_as: ClientAs, risk: Risk, trigger: Trigger) -> None:
    shown = text(client_as("viewer"), f"/admin/risk/risk/{risk.pk}/change/")
    assert reverse("admin:monitoring_trigger_change", args=[trigger.pk]) in shown
    for words in ("armed", "not there any more", "Gradual feature rollout", "overdue"):
        assert words in shown


def filled(risk: Risk, **over: object) -> dict[str, object]:
    values = {
        "title": risk.title,
        "probability": risk.probability,
        "impact": risk.impact,
        "mitigations": "Gradual feature rollout\n\nLoad testing validation",
        "owner": risk.owner,
        "state": "mitigated",
        "review_on": "2025-09-01",
        "trigger": ["error-rate"],
        "reason": "looked at again",
        "version": risk.version,
    }
    return {**values, **over}


def test_a_risk_is_registered_and_changed_by_form_with_a_reason(
    client_as: ClientAs, risk: Risk, trigger: Trigger
) -> None:
    client = client_as("operator")
    assert client.post(f"/admin/risk/risk/{risk.pk}/edit/", filled(risk)).status_code == 302
    risk.refresh_from_db()
    assert (risk.state, risk.mitigations[1], len(risk.links)) == ("mitigated", "Load testing validation", 1)
    made = client.post("/admin/risk/risk/new/", filled(risk, key="mint-away", title="The mint is away", version=""))
    assert made["Location"] == f"/admin/risk/risk/{selectors.risk('mint-away').pk}/change/"
    assert [row.kind for row in events.about("risk:mint-away")] == ["risk.registered"]
    assert client.post("/admin/risk/risk/new/", filled(risk, key="mint-away")).status_code == 409


def test_a_form_without_a_reason_or_from_before_a_change_saves_nothing(client_as: ClientAs, risk: Risk) -> None:
    client, address = client_as("operator"), f"/admin/risk/risk/{risk.pk}/edit/"
    assert "Say why" in client.post(address, filled(risk, reason="", trigger=[])).content.decode()
    late = client.post(address, filled(risk, version=risk.version - 1, trigger=[]))
    assert late.status_code == 409
    assert "changed by someone else" in late.content.decode()
    risk.refresh_from_db()
    assert risk.state == "open"


def test_who_may_do_what(client_as: ClientAs, risk: Risk, assessed: Assessed, now: datetime) -> None:
    row, viewer, nobody = assessed(now), client_as("viewer"), Client()
    nobody.force_login(get_user_model().objects.create_user("nobody", is_staff=True), BACKEND)
    edits = ["/admin/risk/risk/new/", f"/admin/risk/risk/{risk.pk}/edit/"]
    reads = [PAGE, "/admin/risk/risk/", f"/admin/risk/risk/{risk.pk}/change/"]
    leads = ["/admin/risk/score/", f"/admin/risk/score/{row.pk}/change/", f"/admin/risk/risk/of/{risk.key}/"]
    assert [viewer.get(one).status_code for one in [*reads, *leads, *edits]] == [200] * 3 + [302] * 3 + [403] * 2
    assert viewer.post(edits[1], filled(risk)).status_code == 403
    assert {nobody.get(one).status_code for one in [*reads, *leads, *edits]} == {403}
    assert [viewer.get(one).status_code for one in ("/admin/risk/score/in/moon/", "/admin/risk/risk/of/x/")] == [
        404
    ] * 2
