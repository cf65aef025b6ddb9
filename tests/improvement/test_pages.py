"""The screens, the public survey and the doors for programs: who may, what they ask, and what they show."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from core.actors import Actor, ActorKind
from core.environments import get as environment
from flags.services import tokens
from flags.services.tokens import Scope
from improvement.domain.feedback import Given
from improvement.models import ActionItem, Feedback, Lesson, NextPhase, Quarter, Survey
from improvement.services import actions, feedback, future, lessons, surveys

pytestmark = pytest.mark.django_db
ClientAs = Callable[..., Client]
PHASE = {
    "title": "Enhanced Features v2.1",
    "prerequisites": [{"text": "Think"}],
    "risks": {"technical": "MEDIUM", "operational": "LOW", "business": "LOW"},
}


@pytest.fixture
def rows(all_environments: None, person: Callable[[str], Any], who: dict[str, Any]) -> dict[str, Any]:
    """One of each."""
    person("operator")
    due = timezone.localdate() + timedelta(days=3)
    lesson = {"area": "deployment", "sort": "successes", "text": "Gradual works"}
    until = timezone.now() + timedelta(days=3)
    return {
        "feedback": feedback.receive("production", Given("user", "<script>x</script>", rating=4), **who).feedback,
        "action": actions.open_item("Tune it", owner="operator", due=due, **who),
        "lesson": lessons.write(lesson, **who),
        "phase": future.define_phase("v2-1", PHASE, reason="r", **who),
        "quarter": future.define_quarter(
            "q1_2025", {"focus": "Stability", "deliverables": [{"text": "A"}]}, reason="r", **who
        ),
        "survey": surveys.open_survey("production", name="Ask", until=until, actor=who["actor"], now=timezone.now())[0],
    }


READ = ["feedback", "actionitem", "lesson", "nextphase", "survey"]


@pytest.mark.parametrize("model", READ)
def test_everybody_reads_the_lists(client_as: ClientAs, rows: dict[str, Any], model: str) -> None:
    assert client_as("viewer").get(reverse(f"admin:improvement_{model}_changelist")).status_code == 200


def forms(rows: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """The least role for each, and its address."""
    pk = {name: row.pk for name, row in rows.items()}
    named = {
        "improvement_feedback_new": ("viewer", []),
        "improvement_feedback_accept": ("operator", [pk["feedback"]]),
        "improvement_feedback_decline": ("operator", [pk["feedback"]]),
        "improvement_feedback_duplicate": ("operator", [pk["feedback"]]),
        "improvement_feedback_finish": ("operator", [pk["feedback"]]),
        "improvement_feedback_reopen": ("operator", [pk["feedback"]]),
        "improvement_feedback_tags": ("operator", [pk["feedback"]]),
        "improvement_actionitem_new": ("operator", []),
        "improvement_actionitem_edit": ("operator", [pk["action"]]),
        "improvement_actionitem_finish": ("operator", [pk["action"]]),
        "improvement_actionitem_drop": ("operator", [pk["action"]]),
        "improvement_actionitem_reopen": ("operator", [pk["action"]]),
        "improvement_lesson_new": ("operator", []),
        "improvement_lesson_edit": ("operator", [pk["lesson"]]),
        "improvement_lesson_retire": ("operator", [pk["lesson"]]),
        "improvement_survey_new": ("operator", []),
        "improvement_survey_end": ("operator", [pk["survey"]]),
        "improvement_nextphase_edit": ("approver", [rows["phase"].key]),
        "improvement_nextphase_say": ("approver", [rows["phase"].key]),
        "improvement_nextphase_draft": ("approver", [rows["phase"].key]),
        "improvement_quarter_edit": ("approver", [rows["quarter"].key]),
    }
    return {reverse(f"admin:{name}", args=args): (role, name) for name, (role, args) in named.items()}


def test_each_form_opens_for_its_role_and_for_none_below(client_as: ClientAs, rows: dict[str, Any]) -> None:
    below = {"operator": "viewer", "approver": "operator"}
    for address, (role, name) in forms(rows).items():
        assert client_as(role).get(address, {"text": "Think"}).status_code == 200, name
        if role in below:
            assert client_as(below[role]).get(address).status_code == 403, name
            assert client_as(below[role]).post(address, {"reason": "x"}).status_code == 403, name
        assert Client().get(address).status_code == 302, name


def test_feedback_is_given_accepted_and_becomes_an_action_item(client_as: ClientAs, rows: dict[str, Any]) -> None:
    given = {"environment": "production", "kind": "technical", "aspect": "codeQuality", "text": "Fine, but slow"}
    done = client_as("viewer").post(reverse("admin:improvement_feedback_new"), given, follow=True)
    row = Feedback.objects.get(aspect="codeQuality")
    assert "Thank you" in done.content.decode()
    operator, page = client_as("operator"), reverse("admin:improvement_feedback_change", args=[row.pk])
    accepted = {"version": row.version, "reason": ""}
    assert operator.post(reverse("admin:improvement_feedback_accept", args=[row.pk]), accepted).status_code == 302
    new = reverse("admin:improvement_actionitem_new")
    assert f"{new}?origin=feedback%3A{row.pk}" in operator.get(page).content.decode()
    item = {"title": "Make it fast", "owner": "operator", "due": "2026-01-31", "origin": f"feedback:{row.pk}"}
    assert operator.post(new, item).status_code == 302
    assert ActionItem.objects.get(origin=f"feedback:{row.pk}").title == "Make it fast"
    assert "Make it fast" in operator.get(page).content.decode()


def test_an_action_item_offers_what_can_become_of_it_to_those_who_may(
    client_as: ClientAs, rows: dict[str, Any], who: dict[str, Any]
) -> None:
    address = reverse("admin:improvement_actionitem_change", args=[rows["action"].pk])

    def offered(role: str) -> list[str]:
        shown = client_as(role).get(address).content.decode()
        names = ("finish", "drop", "edit", "reopen")
        return [name for name in names if f"/actionitem/{rows['action'].pk}/{name}/" in shown]

    assert (offered("operator"), offered("viewer")) == (["finish", "drop", "edit"], [])
    actions.close_item(rows["action"].pk, outcome="Tuned", **who)
    assert (offered("operator"), offered("viewer")) == (["reopen"], [])


def test_markup_is_shown_as_it_was_written(client_as: ClientAs, rows: dict[str, Any]) -> None:
    for address in ("changelist", "change"):
        args = [rows["feedback"].pk] if address == "change" else []
        shown = client_as("viewer").get(reverse(f"admin:improvement_feedback_{address}", args=args)).content.decode()
        assert "&lt;script&gt;" in shown
        assert "<script>x" not in shown


def test_a_refused_form_keeps_what_was_typed_and_says_why(client_as: ClientAs, rows: dict[str, Any]) -> None:
    client, key = client_as("approver"), rows["phase"].key
    given = {"title": "N", "prerequisites": "A :: guess", "technical": "LOW", "operational": "LOW", "business": "LOW"}
    shown = client.post(reverse("admin:improvement_nextphase_edit", args=[key]), {**given, "reason": "r"})
    assert "Line 1" in shown.content.decode()
    assert "A :: guess" in shown.content.decode()
    stale = {"focus": "Other", "deliverables": "A :: done", "reason": "r", "version": 9}
    shown = client.post(reverse("admin:improvement_quarter_edit", args=["q1_2025"]), stale)
    assert shown.status_code == 409
    assert Quarter.objects.get().focus == "Stability"
    client.post(reverse("admin:improvement_quarter_edit", args=["q1_2025"]), {**stale, "version": 1})
    assert Quarter.objects.get().deliverables == [{"text": "A", "state": "done"}]


def test_a_word_for_a_prerequisite_is_given_and_taken_back(client_as: ClientAs, rows: dict[str, Any]) -> None:
    client, address = client_as("approver"), reverse("admin:improvement_nextphase_say", args=["v2-1"])
    for expected in ({"Think"}, set()):
        row = NextPhase.objects.get()
        client.post(address, {"text": "Think", "reason": "I did", "version": row.version})
        assert set(NextPhase.objects.get().said) == expected


def test_lists_ask_as_much_for_many_as_for_few(
    client_as: ClientAs,
    rows: dict[str, Any],
    who: dict[str, Any],
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(40):
        feedback.receive("production", Given("user", f"words {number}", rating=1 + number % 5), **who)
        lessons.write({"area": "technical", "sort": "challenges", "text": f"lesson {number}"}, **who)
        due = timezone.localdate()
        actions.open_item(f"item {number}", owner="operator", due=due, origin=f"feedback:{number}", **who)
    client = client_as("operator")
    for model in READ:
        with django_assert_max_num_queries(20):
            client.get(reverse(f"admin:improvement_{model}_changelist"))


def test_the_link_of_a_survey_is_shown_once_and_answers_without_a_cookie(
    client_as: ClientAs, all_environments: None
) -> None:
    operator = client_as("operator")
    given = {"name": "After week 4", "environment": "production", "days": 7}
    shown = operator.post(reverse("admin:improvement_survey_new"), given).content.decode()
    link = shown.partition("testserver/survey/")[2].partition("/")[0]
    listed = operator.get(reverse("admin:improvement_survey_changelist")).content.decode()
    assert link not in listed
    row = Survey.objects.get()
    no_page = operator.get(reverse("admin:improvement_survey_change", args=[row.pk]))
    assert (no_page.status_code, no_page["Location"]) == (302, reverse("admin:improvement_survey_changelist"))
    user = Client()
    page = user.get(f"/survey/{link}/", HTTP_ACCEPT_LANGUAGE="de")
    assert "Wie zufrieden sind Sie?" in page.content.decode()
    assert "script-src" not in page["Content-Security-Policy"] or "'none'" in page["Content-Security-Policy"]
    assert user.post(f"/survey/{link}/", {"text": "no rating"}).status_code == 422
    for _ in range(2):
        assert "Thank you" in user.post(f"/survey/{link}/?user=u1&lang=en", {"rating": "5"}).content.decode()
    robot = user.post(f"/survey/{link}/", {"rating": "1", "website": "http://spam"})
    assert robot.status_code == 200
    assert not user.cookies
    row = Feedback.objects.get()
    assert (row.rating, row.state, row.given_by, row.survey.name) == (5, "noted", "a user", "After week 4")
    assert user.get("/survey/wrong/").status_code == 404


def token(scope: Scope, now: datetime) -> dict[str, str]:
    actor = Actor("anna", ActorKind.PERSON)
    text = tokens.create("t", "production", [scope], actor=actor, now=now)[1]
    return {"Authorization": f"Bearer {text}"}


def test_programs_give_feedback_and_keep_action_items_and_lessons(
    rows: dict[str, Any], client: Client, now: datetime
) -> None:
    report, operate = token(Scope.REPORT, now), token(Scope.OPERATE, now)

    def post(path: str, body: dict[str, Any], headers: dict[str, str]) -> Any:
        return client.post(f"/api/v1/{path}", body, content_type="application/json", headers=headers)

    body = {"kind": "user", "rating": 3, "text": "ok", "key": "desk-1"}
    assert [post("feedback", body, report).json()["duplicate"] for _ in range(2)] == [False, True]
    assert post("feedback", {**body, "rating": 9}, report).status_code == 422
    assert post("feedback", body, {}).status_code == 401
    assert post("actions", {"title": "x", "owner": "operator", "due": "2026-01-01"}, report).status_code == 403
    opened = post("actions", {"title": "x", "owner": "operator", "due": "2026-01-01"}, operate)
    assert (opened.status_code, opened.json()["state"]) == (201, "open")
    assert post("actions", {"title": "x", "owner": "nobody", "due": "2026-01-01"}, operate).json()["field"] == "owner"
    lesson = {"area": "technical", "sort": "challenges", "text": "Slow", "about": ["flag:a"]}
    assert post("lessons", lesson, operate).status_code == 201
    found = client.get("/api/v1/lessons?q=slow", headers=operate).json()
    assert [each["text"] for each in found] == ["Slow"]
    assert client.get("/api/v1/feedback", headers=operate)["Total-Count"] == "2"
    assert environment("production").feedback.count() == 2
    assert Lesson.objects.count() == 2
