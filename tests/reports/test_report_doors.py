"""The doors of the reports: pages, files, REST, the command line, and the mails that a release sends."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from communications.adapters.mail import Mail
from communications.domain.alerts import Topic
from communications.domain.audiences import Content, Frequency
from communications.models import Announcement, Channel
from communications.selectors.outgoing import outgoing
from communications.services import announcing, audiences
from communications.services.audiences import AudienceSpec, Way
from core.actors import CLOCK, Actor
from flags.services import tokens
from flags.services.tokens import Scope
from reports.domain.periods import Period
from reports.models import Report
from reports.selectors.tables import TABLES
from reports.services import making, releasing, setting
from tests.reports.weeks import Store, hours, midnight

pytestmark = pytest.mark.django_db
ClientAs = Callable[[str], Client]
NOW = datetime(2025, 8, 11, 7, 0, tzinfo=UTC)
MONDAY = date(2025, 8, 4)
GOLDEN = Path(__file__).parent.parent / "data" / "reports"


@pytest.fixture
def report(all_environments: None) -> Report:
    """A draft of a week in which errors became three times as frequent on Thursday."""
    rules = [
        {"key": "errors", "measure": "errorRate", "when": "above", "limit": 1.0, "text": "Find what fails."}
        | {"urgency": "now", "owner": "operator", "days": 2, "link": "errors"},
        {"key": "reply", "measure": "uptime", "when": "missing", "text": "=Ask a health address.", "urgency": "watch"},
    ]
    setting.define({"environments": ["production"], "recommendations": rules}, actor=CLOCK, reason="x", now=NOW)
    store = Store()
    week = Period(midnight(MONDAY), midnight(MONDAY + timedelta(days=7)), "UTC")
    for at in hours(week.start - timedelta(days=7), week.end):
        late = at >= midnight(MONDAY + timedelta(days=3))
        store.melts(at, 100 + at.day % 3, errors=3 if late else 1)
    store.flush()
    return making.make("production", week, actor=CLOCK, now=NOW)


PAGES = {
    "list": lambda row: reverse("admin:reports_report_changelist"),
    "page": lambda row: reverse("admin:reports_report_change", args=[row.pk]),
    "print": lambda row: reverse("admin:reports_print", args=[row.pk]),
    "compare": lambda row: reverse("admin:reports_compare", args=[row.pk]),
    "json": lambda row: reverse("admin:reports_json", args=[row.pk]),
    **{
        f"{name}.csv": lambda row, name=name: reverse("admin:reports_table", args=[row.pk, name])  # type: ignore[misc]
        for name in TABLES
    },
}
WRITES = {"make": ("operator", "viewer"), "comment": ("operator", "viewer"), "make_again": ("operator", "viewer")}
APPROVES = {"release": ("approver", "operator"), "sign_off": ("approver", "operator")}


@pytest.mark.parametrize("page", PAGES)
def test_viewers_read_every_page_and_somebody_without_a_role_none(
    page: str, report: Report, client_as: ClientAs, django_user_model: Any
) -> None:
    address = PAGES[page](report)
    assert client_as("viewer").get(address).status_code == 200
    stranger = Client()
    user = django_user_model.objects.create_user("nobody", is_staff=True)
    stranger.force_login(user, "django.contrib.auth.backends.ModelBackend")
    assert stranger.get(address).status_code == 403


@pytest.mark.parametrize(("name", "roles"), [*WRITES.items(), *APPROVES.items()])
def test_operators_make_and_comment_and_approvers_release_and_sign_off(
    name: str, roles: tuple[str, str], report: Report, client_as: ClientAs
) -> None:
    if name == "sign_off":
        releasing.release(report.pk, reason="x", actor=CLOCK, now=NOW)
    address = reverse(f"admin:reports_{name}", args=[] if name == "make" else [report.pk])
    may, may_not = roles
    assert client_as(may_not).get(address).status_code == 403
    assert client_as(may_not).post(address).status_code == 403
    assert client_as(may).get(address).status_code == 200


@time_machine.travel(NOW, tick=False)
def test_a_person_reads_comments_releases_and_signs_off(report: Report, client_as: ClientAs) -> None:
    approver, page = client_as("approver"), reverse("admin:reports_report_change", args=[report.pk])

    def post(name: str, **values: Any) -> Any:
        return approver.post(reverse(f"admin:reports_{name}", args=[report.pk]), values)

    assert post("comment", text="<b>Thursday</b> was the new node.").status_code == 302
    assert post("release", reason="", version=1).status_code == 422 or Report.objects.get().state == "draft"
    assert post("release", reason="Read it.", version=1).status_code == 302
    assert post("sign_off", reason="", version=2, digest=report.digest).status_code == 302
    text = approver.get(page).content.decode()
    assert "&lt;b&gt;Thursday&lt;/b&gt; was the new node." in text
    assert "Released by approver" in text
    assert "Signed off by approver" in text
    assert reverse("admin:reports_release", args=[report.pk]) not in text
    found = client_as("viewer").get(reverse("admin:reports_report_changelist"), {"q": "new node"})
    assert report.title in found.content.decode()


@time_machine.travel(NOW, tick=False)
def test_a_report_of_any_days_is_made_by_a_form_that_refuses_days_to_come(report: Report, client_as: ClientAs) -> None:
    operator, address = client_as("operator"), reverse("admin:reports_make")
    asked = {"environment": "production", "first": "2025-08-05", "last": "2025-08-06"}
    preview = operator.get(address, asked, headers={"HX-Request": "true"}).content.decode()
    assert "29 to 30 July 2025, the same weekdays" in preview
    assert operator.post(address, asked).status_code == 302
    assert Report.objects.filter(title="5 to 6 August 2025", origin="by_hand").exists()
    refused = operator.post(address, asked | {"last": "2025-08-30"})
    assert (refused.status_code, "Nothing is known of the future" in refused.content.decode()) == (422, True)
    assert operator.post(address, asked | {"first": "2025-08-04", "last": "2025-08-10"}).status_code == 302
    assert Report.objects.count() == 2  # the one of the week was there


def test_lists_and_pages_ask_a_fixed_number_of_queries(
    report: Report, client_as: ClientAs, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        row = Report.objects.get(pk=report.pk)
        row.pk, row.start = None, row.start - timedelta(days=7 * (number + 1))
        row.save()
        releasing.comment(report.pk, f"Comment {number}", actor=CLOCK, now=NOW)
    client = client_as("viewer")
    for page, most in {"list": 11, "page": 9, "print": 9, "compare": 9}.items():
        client.get(PAGES[page](report))
        with django_assert_max_num_queries(most):
            client.get(PAGES[page](report))


def test_tables_are_files_whose_cells_no_spreadsheet_runs(report: Report, client_as: ClientAs) -> None:
    client = client_as("viewer")

    def read(name: str) -> list[list[str]]:
        text = client.get(PAGES[f"{name}.csv"](report)).content.decode()
        return list(csv.reader(io.StringIO(text)))

    head, *lines = read("metrics")
    row = next(dict(zip(head, line, strict=True)) for line in lines if line[1] == "errorRate")
    figures = {each["name"]: each for each in report.document["metrics"]["errors"]}
    assert float(row["value"]) == figures["errorRate"]["value"]
    assert [float(each) for each in next(line for line in read("days") if line[0] == "errorRate")[2:]] == (
        figures["errorRate"]["daily"]
    )
    assert [line[2] for line in read("recommendations")[1:]] == ["Find what fails.", "'=Ask a health address."]
    told = json.loads(client.get(PAGES["json"](report)).content)
    assert (told["digest"], told["report"]) == (report.digest, report.document)


@time_machine.travel(NOW, tick=False)
def test_a_token_makes_and_reads_reports_of_its_environment(report: Report, client: Client) -> None:
    who = {"actor": Actor("x", CLOCK.kind), "now": NOW}
    _, text = tokens.create("robot", "production", [Scope.OPERATE], **who)
    _, elsewhere = tokens.create("other", "staging", [Scope.OPERATE], **who)
    _, weak = tokens.create("weak", "production", [Scope.EVALUATE], **who)

    def call(method: str, path: str, body: Any = None, token: str = text) -> tuple[int, Any]:
        sent = json.dumps(body) if body else ""
        headers = {"Authorization": f"Bearer {token}"}
        answer = client.generic(method, f"/api/v1/{path}", sent, content_type="application/json", headers=headers)
        return answer.status_code, answer.json()

    assert call("GET", "reports", token=weak)[0] == 403
    assert call("GET", f"reports/{report.pk}", token=elsewhere)[0] == 404
    assert [each["number"] for each in call("GET", "reports?state=draft")[1]] == [report.pk]
    assert call("GET", f"reports/{report.pk}")[1]["report"]["headline"] == report.headline
    status, made = call("POST", "reports", {"from": "2025-08-04", "to": "2025-08-05"})
    assert (status, made["title"], made["made_by"]) == (200, "4 to 5 August 2025", "robot")
    assert call("POST", "reports", {"from": "2025-08-04", "to": "2025-08-05"})[1]["number"] == made["number"]
    status, refused = call("POST", "reports", {"from": "2025-08-06", "to": "2025-08-05"})
    assert (status, refused["field"], "Swap them" in refused["detail"]) == (422, "last", True)


@time_machine.travel(NOW, tick=False)
def test_the_command_makes_shows_verifies_and_finds_what_was_changed(report: Report) -> None:
    def run(*words: str) -> str:
        out = io.StringIO()
        call_command("report", *words, stdout=out, stderr=io.StringIO())
        return out.getvalue()

    made = json.loads(run("weekly", "--environment", "production", "--json"))
    assert (made["number"], made["title"]) == (report.pk, "4 to 10 August 2025")
    assert "Find what fails." in run("show", str(report.pk))
    assert "4 to 10 August 2025" in run("list")
    run("verify", str(report.pk))
    changed = {**report.document, "headline": "All is well."}
    Report.objects.filter(pk=report.pk).update(document=changed)
    with pytest.raises(CommandError, match="is not what its inputs make"):
        run("verify", str(report.pk))
    Report.objects.filter(pk=report.pk).update(inputs={**report.inputs, "rules": []})
    with pytest.raises(CommandError, match="their digest is another one"):
        run("verify", str(report.pk))
    with pytest.raises(CommandError, match="Give both"):
        run("weekly", "--from", "2025-08-04")
    assert "released" in run("release", str(report.pk), "--reason", "read")


@pytest.mark.parametrize("content", [Content.BUSINESS, Content.TECHNICAL])
def test_a_released_report_is_mailed_in_the_words_of_its_readers(
    content: Content, report: Report, settings: Settings
) -> None:
    """Golden mails: `tests/data/reports` holds what management and developers read, without pictures."""
    settings.PUBLIC_URL = "https://rollout.example.org"
    Channel.objects.create(key="email", name="E-mail", kind="email")
    spec = AudienceSpec("readers", "Readers", content, Frequency.REAL_TIME, [Topic.REPORT], [Way("email", "m@x.org")])
    audiences.define(spec, actor=CLOCK, reason="x", now=NOW)
    releasing.release(report.pk, reason="Read it.", actor=Actor("anna", CLOCK.kind), now=NOW)
    assert announcing.announce(now=NOW) == 1
    Mail().send(outgoing(Announcement.objects.select_related("alert__event", "alert__environment", "channel").get()))
    (sent,) = mail.outbox
    text = sent.body.split("\n\ntype=")[0].replace(f"/{report.pk}/", "/N/")
    html = str(sent.alternatives[0][0]).replace(f"/{report.pk}/", "/N/")
    for name, found in {f"{content}.txt": f"{sent.subject}\n\n{text}\n", f"{content}.html": f"{html}\n"}.items():
        assert found == (GOLDEN / name).read_text(), name
    assert "<img" not in html
