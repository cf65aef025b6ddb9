"""The pages of measurements and triggers, and re-arming."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from core import beside, events
from monitoring.admin import verdicts, words
from monitoring.models import Series, Trigger
from tests.monitoring_admin.conftest import KEY, judge, report

pytestmark = pytest.mark.django_db
ClientAs = Callable[[str], Client]
MakeSeries = Callable[..., Series]
ROLES = ("viewer", "operator", "approver", "administrator")


def page(trigger: Trigger, rest: str = "change/") -> str:
    return f"/admin/monitoring/trigger/{trigger.pk}/{rest}"


@pytest.mark.parametrize("role", ROLES)
def test_everybody_with_a_role_sees_and_only_operators_may_re_arm(
    role: str, client_as: ClientAs, fired: Trigger, series: MakeSeries
) -> None:
    client, may = client_as(role), role != "viewer"
    row = series("melt_operations_total", flag=KEY)
    for address in (
        "/admin/monitoring/series/",
        "/admin/monitoring/trigger/",
        f"/admin/monitoring/series/{row.pk}/change/",
    ):
        assert client.get(address).status_code == 200
    assert (page(fired, "rearm/") in client.get(page(fired)).content.decode()) is may
    assert client.get(page(fired, "rearm/")).status_code == (200 if may else 403)
    assert client.post(page(fired, "rearm/"), {"reason": "fixed"}).status_code == (302 if may else 403)
    fired.refresh_from_db()
    assert fired.state == ("armed" if may else "latched")


def test_a_stranger_is_sent_to_the_login(client: Client, fired: Trigger) -> None:
    for address in ("/admin/monitoring/series/", page(fired), page(fired, "rearm/"), "/admin/monitoring/trigger/"):
        assert client.get(address)["Location"].startswith("/admin/login/")
    client.post(page(fired, "rearm/"), {"reason": "fixed"})
    fired.refresh_from_db()
    assert fired.state == "latched"


def test_re_arming_tells_what_it_does_and_keeps_who_and_why(client_as: ClientAs, fired: Trigger) -> None:
    client = client_as("operator")
    text = client.get(page(fired, "rearm/")).content.decode()
    assert "Nothing from before this moment counts" in text
    assert "The flag it rolled back stays off" in text
    assert client.post(page(fired, "rearm/"), {"reason": "Mint restarted"})["Location"] == page(fired)
    event = events.about("trigger:error-rate").first()
    assert event is not None
    assert (event.kind, event.actor, event.reason) == ("trigger.rearmed", "operator", "Mint restarted")


@pytest.mark.parametrize(
    ("state", "reason", "status", "words_"),
    [
        ("latched", "", 200, "Say why"),
        ("latched", "  ", 200, "Say why"),
        ("armed", "fixed", 409, "it has not fired"),
    ],
)
def test_a_refused_re_arm_says_why_and_changes_nothing(
    state: str, reason: str, status: int, words_: str, client_as: ClientAs, fired: Trigger
) -> None:
    Trigger.objects.update(state=state)
    before = events.recent().count()
    answer = client_as("operator").post(page(fired, "rearm/"), {"reason": reason})
    assert (answer.status_code, words_ in answer.content.decode()) == (status, True)
    fired.refresh_from_db()
    assert (fired.state, events.recent().count()) == (state, before)


def test_a_trigger_that_fired_shows_its_evidence_and_what_to_do(client_as: ClientAs, fired: Trigger) -> None:
    text = " ".join(client_as("operator").get(page(fired)).content.decode().split())
    for part in ("it guards nothing until a person re-arms it", "20.5 %", "08:59:40 UTC", "25 %", "fires at 3"):
        assert part in text
    assert "melt_errors_total{flag=&quot;atomicMeltOperations&quot;, variant=&quot;on&quot;}" in text


def test_the_page_shows_the_last_windows_newest_first(client_as: ClientAs, trigger: Trigger, now: datetime) -> None:
    for ago, value in ((30, 1.0), (20, None), (10, 7.25)):
        judge(trigger, int(now.timestamp()) - ago, value)
    rows = client_as("viewer").get(page(trigger)).context["judgements"]
    assert [(row["verdict"], row["value"]) for row in rows] == [("BREACH", "7.25 %"), ("NO_DATA", "–"), ("PASS", "1 %")]


@pytest.mark.parametrize("address", ["abc", "999999", "9" * 40])
@pytest.mark.parametrize("model", ["series", "trigger"])
def test_an_address_without_a_row_is_a_404(address: str, model: str, client_as: ClientAs, trigger: Trigger) -> None:
    assert client_as("operator").get(f"/admin/monitoring/{model}/{address}/change/").status_code == 404
    assert client_as("operator").get(f"/admin/monitoring/trigger/{address}/rearm/").status_code == 404


def test_nobody_edits_a_trigger_or_a_series_by_hand(client_as: ClientAs, trigger: Trigger, series: MakeSeries) -> None:
    client, row = client_as("administrator"), series("x_total")
    for address in (page(trigger), f"/admin/monitoring/series/{row.pk}/change/"):
        assert client.post(address, {"threshold": 99}).status_code == 405
    for model in ("trigger", "series"):
        assert client.get(f"/admin/monitoring/{model}/add/").status_code == 403
    trigger.refresh_from_db()
    assert trigger.threshold == 5.0


def test_events_lead_to_their_trigger(client_as: ClientAs, trigger: Trigger) -> None:
    address = beside.page_of("trigger:error-rate", "production")
    assert client_as("viewer").get(address)["Location"] == page(trigger)
    assert client_as("viewer").get(beside.page_of("trigger:nosuch", "production")).status_code == 404
    assert beside.page_of("trigger:error-rate", "") == ""


def test_a_person_without_a_role_sees_nothing(
    client: Client, fired: Trigger, series: MakeSeries, django_user_model: Any
) -> None:
    client.force_login(
        django_user_model.objects.create_user("new", is_staff=True), "django.contrib.auth.backends.ModelBackend"
    )
    row = series("x_total")
    lists = (
        "/admin/monitoring/series/",
        f"/admin/monitoring/series/{row.pk}/change/",
        "/admin/monitoring/trigger/",
    )
    for address in (*lists, page(fired), page(fired, "rearm/"), beside.page_of("trigger:nosuch", "production")):
        assert client.get(address).status_code == 403, address


def test_the_list_of_measurements_shows_the_last_value_and_when(
    client_as: ClientAs, series: MakeSeries, now: datetime
) -> None:
    at = int(now.timestamp())
    report(series("melt_duration_ms", "timing", flag=KEY), at - 20, 1_800, n=2)
    report(series("melt_errors_total", flag=KEY), at - 3_620, 3)
    text = client_as("viewer").get("/admin/monitoring/series/").content.decode()
    for part in ("900 ms", "10 s ago", "08:59:50 UTC", "3 in 10 s", "1 h ago", "07:59:50 UTC", f"flag={KEY}"):
        assert part in text


def test_a_measurement_names_the_triggers_that_watch_it(
    client_as: ClientAs, trigger: Trigger, series: MakeSeries
) -> None:
    watched = series("melt_errors_total", flag=KEY, variant="on", severity="HIGH")
    other = series("melt_errors_total", flag=KEY, variant="off", severity="HIGH")
    client = client_as("viewer")
    assert page(trigger) in client.get(f"/admin/monitoring/series/{watched.pk}/change/").content.decode()
    assert "No trigger watches" in client.get(f"/admin/monitoring/series/{other.pk}/change/").content.decode()


@pytest.mark.parametrize(
    ("value", "threshold", "share", "distance"),
    [
        (None, 5.0, None, "no value"),
        (0.0, 5.0, 0.0, "0% of the threshold"),
        (2.5, 5.0, 33.3, "50% of the threshold"),
        (5.0, 5.0, 66.7, "100% of the threshold"),
        (500.0, 5.0, 100.0, "10000% of the threshold"),
        (-12.0, 50.0, 0.0, "0% of the threshold"),
        (0.0, 0.0, 0.0, "at the threshold"),
        (1.0, 0.0, 100.0, "over the threshold"),
    ],
)
def test_the_bar_shows_how_far_the_value_is_from_the_threshold(
    value: float | None, threshold: float, share: float | None, distance: str, now: datetime
) -> None:
    row = Trigger(pk=1, value=value, threshold=threshold, measure="ratio", verdict="PASS", consecutive=1)
    view = verdicts.view(row, now=now)
    assert (view.share, view.distance) == (share, distance)


@pytest.mark.parametrize(("age", "old"), [(0, False), (360, False), (361, True)])
def test_a_verdict_that_the_guard_should_have_renewed_is_shown_as_old(
    age: int, old: bool, client_as: ClientAs, trigger: Trigger, now: datetime
) -> None:
    trigger.judged_at, trigger.verdict = now - timedelta(seconds=age), "PASS"
    trigger.save()
    assert verdicts.view(trigger, now=now).stale is old
    assert (
        "see on the first page whether the guard runs" in client_as("viewer").get(page(trigger)).content.decode()
    ) is old


def test_what_speaks_against_a_flag_comes_first(fired: Trigger, now: datetime) -> None:
    fields: dict[str, Any] = {**words_of(fired), "target": "last_raised", "flag_key": "", "consecutive": 1}
    for key, verdict in (("a-pass", "PASS"), ("b-none", "NO_DATA")):
        Trigger.objects.create(key=key, verdict=verdict, **fields)
    assert [view.trigger.key for view in verdicts.beside(KEY, "production", now=now)] == [
        "error-rate",
        "b-none",
        "a-pass",
    ]
    assert verdicts.beside(KEY, "staging", now=now) == []


def words_of(trigger: Trigger) -> dict[str, Any]:
    names = ("name", "measure", "numerator", "denominator", "threshold", "window", "max_window", "min_samples")
    return {"environment": trigger.environment, **{name: getattr(trigger, name) for name in names}}


@pytest.mark.parametrize(
    ("measure", "value", "text"),
    [("ratio", 2.125, "2.125 %"), ("mean", 5000.0, "5,000 ms"), ("count", 11.0, "11"), ("drop", None, "–")],
)
def test_a_value_carries_its_unit(measure: str, value: float | None, text: str) -> None:
    assert words.amount(measure, value) == text


def test_a_flag_s_pages_are_told_of_a_trigger_that_has_fired(fired: Trigger, now: datetime) -> None:
    (note,) = beside.flag_notes()[KEY, "production"]
    assert (note.url, note.tone) == (page(fired), "bad")
    assert "Error rate has fired" in note.sentence
    fired.state, fired.judged_at = "armed", now + timedelta(seconds=10)
    fired.save()
    assert (KEY, "production") not in beside.flag_notes()


@pytest.mark.parametrize(
    ("over", "sentence"),
    [
        ({"measure": "distinct", "threshold": 5}, "when more than 5 different users complain within 10 s."),
        ({"measure": "rise", "threshold": 20}, "more than 20 % above what it was before the flag was raised"),
        ({"measure": "canary", "alpha": 0.02, "denominator": {"metric": "m"}}, "evidence of more than 50."),
        ({"measure": "canary", "threshold": 5000}, "more takes longer than 5,000 ms with the flag on"),
        ({"measure": "start", "threshold": 99}, "when not one try within 10 s succeeds."),
        ({"measure": "mean", "threshold": 5000, "percentile": 95}, "the mean and the p95 are above 5,000 ms"),
        ({"measure": "drop", "actions": ["pause", "rollback"]}, "Pauses all ramps here, then rolls back"),
        ({"measure": "ratio", "observe": True}, "Only observes. It would act when the ratio is above"),
    ],
)
def test_every_rule_is_told_in_a_sentence(over: dict[str, Any], sentence: str) -> None:
    usual = {"measure": "ratio", "threshold": 5.0, "window": 10, "consecutive": 1, "target": "last_raised"}
    row = Trigger(**{**usual, **over})
    assert sentence in words.rule(row)
