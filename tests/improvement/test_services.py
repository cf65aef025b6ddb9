"""Feedback, surveys, action items, lessons and what comes next: kept once, changed by one way, told by events."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

import communications.selectors
from communications.models import Announcement
from communications.services import announcing
from core import events, visits
from core.errors import Conflict, IllegalMove, Invalid, NotFound, StaleVersion, TooMany
from core.models import User
from flags.models import Flag
from flags.services import rollout
from improvement.domain.feedback import Given, State
from improvement.models import ActionItem, Feedback
from improvement.selectors import actions as todo
from improvement.selectors import feedback as counted
from improvement.selectors import future as coming
from improvement.selectors import lessons as learnt
from improvement.services import actions, feedback, future, lessons, surveys
from tests.improvement.conftest import OLGA
from tests.racing import at_once
from tests.telling import somebody_hears

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def olga(db: None) -> User:
    return User.objects.create_user("olga")


def said(who: dict[str, Any], *ratings: int) -> list[Feedback]:
    given = [Given("user", "words", rating=rating) for rating in ratings]
    return [feedback.receive("production", one, **who).feedback for one in given]


def test_what_comes_twice_under_a_key_is_kept_once_and_no_event_has_its_words(
    all_environments: None, who: dict[str, Any]
) -> None:
    given = Given("user", "My balance is wrong", rating=2, key="desk-7")
    first, again = (feedback.receive("production", given, **who) for _ in range(2))
    assert (first.duplicate, again.duplicate, Feedback.objects.count()) == (False, True, 1)
    told = events.about(f"feedback:{first.feedback.pk}").get()
    assert told.kind == "feedback.received"
    assert "balance" not in str([told.reason, told.before, told.after, told.data])


def test_feedback_is_settled_by_its_machine_with_a_reason_where_people_are_turned_down(
    all_environments: None, who: dict[str, Any]
) -> None:
    first, second = said(who, 5, 1)
    with pytest.raises(Invalid):
        feedback.settle(first.pk, State.DECLINED, reason=" ", **who)
    with pytest.raises(Invalid) as refused:
        feedback.settle(second.pk, State.DUPLICATE, reason="same", duplicate_of=second.pk, **who)
    assert refused.value.field == "duplicate_of"
    feedback.settle(second.pk, State.DUPLICATE, reason="same", duplicate_of=first.pk, **who)
    with pytest.raises(IllegalMove):
        feedback.settle(second.pk, State.DONE, reason="", **who)
    with pytest.raises(StaleVersion):
        feedback.settle(first.pk, State.ACCEPTED, reason="", version=7, **who)
    first.environment.feedback.all().delete()  # as when the environment goes: nothing is in the way


def test_satisfaction_counts_what_users_rated_once_and_also_what_was_declined(
    all_environments: None, who: dict[str, Any], now: datetime
) -> None:
    rows = said(who, 5, 4, 1, 1)
    feedback.receive("production", Given("business", "x", rating=1), **who)
    feedback.settle(rows[2].pk, State.DECLINED, reason="no", **who)
    feedback.settle(rows[3].pk, State.DUPLICATE, reason="same", duplicate_of=rows[2].pk, **who)
    assert counted.satisfaction(start=now, end=now + DAY) == (pytest.approx(10 / 3), 3)
    assert counted.satisfaction(start=now - DAY, end=now) == (None, 0)
    lines = {line.name: (line.count, line.before) for line in counted.analysis(start=now, end=now + DAY).kinds}
    assert lines == {"Technical": (0, 0), "Operational": (0, 0), "User": (4, 0), "Business": (1, 0)}
    weeks = counted.weekly(end=now + DAY, weeks=2)
    assert [found.n for _, found in weeks] == [0, 3]


def test_a_survey_is_answered_by_its_link_alone_until_it_ends(
    all_environments: None, who: dict[str, Any], now: datetime
) -> None:
    row, token = surveys.open_survey("production", name="After week 4", until=now + DAY, **who)
    assert token not in str(row.__dict__)
    told = {"rating": 4, "text": "good", "network": "192.0.2.1", "now": now}
    for _ in range(3):
        surveys.answer(token, once="user u-1", **told)
    surveys.answer(token, once="form-2", **told)
    assert counted.satisfaction(start=now, end=now + DAY) == (4.0, 2)
    for wrong in ("", token[:-1], token + "x"):
        with pytest.raises(NotFound):
            surveys.answer(wrong, once="", **told)
    with pytest.raises(NotFound):
        surveys.answer(token, once="late", **{**told, "now": now + DAY})
    surveys.end(row.pk, reason="enough", **who)
    with pytest.raises(NotFound):
        surveys.answer(token, once="after", **told)
    with pytest.raises(Conflict):
        surveys.end(row.pk, reason="enough", **who)


def test_a_flood_of_answers_from_one_network_ends_and_others_are_heard(
    all_environments: None, who: dict[str, Any], now: datetime
) -> None:
    _, token = surveys.open_survey("production", name="s", until=now + DAY, **who)
    for number in range(visits.MOST):
        surveys.answer(token, rating=1, text="", once=str(number), network="192.0.2.1", now=now)
    with pytest.raises(TooMany):
        surveys.answer(token, rating=1, text="", once="more", network="192.0.2.1", now=now)
    surveys.answer(token, rating=5, text="", once="other", network="192.0.2.2", now=now)
    assert Feedback.objects.count() == visits.MOST + 1
    visits.forget(now=now + timedelta(hours=3))
    surveys.answer(token, rating=1, text="", once="later", network="192.0.2.1", now=now + timedelta(hours=3))


def test_an_action_item_is_opened_once_done_reopened_and_dropped(
    olga: User, who: dict[str, Any], now: datetime
) -> None:
    told = {"owner": "olga", "due": now.date(), "key": "report-3-a", "origin": "report:3"}
    row, again = (actions.open_item("Tune the pool", **told, **who) for _ in range(2))
    assert row == again
    actions.close_item(row.pk, outcome="done", changes="flag:atomicMeltOperations", **who)
    with pytest.raises(IllegalMove):
        actions.drop_item(row.pk, reason="no", **who)
    row = actions.reopen_item(row.pk, reason="it came back", **who)
    assert (row.changes, row.closed_at) == ("", None)
    assert [each.title for each in todo.of_person("olga")] == ["Tune the pool"]
    actions.drop_item(row.pk, reason="not worth it", **who)
    kinds = [event.kind for event in events.about(f"action:{row.pk}").order_by("id")]
    assert kinds == ["action.opened", "action.done", "action.reopened", "action.dropped"]
    assert list(todo.of_origins("report")) == [row]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"owner": "nobody"}, "owner"),
        ({"origin": "x"}, "origin"),
        ({"title": "a\nb"}, "title"),
        ({"key": "k" * 141}, "key"),
    ],
)
def test_an_item_nobody_could_do_is_refused(
    olga: User, who: dict[str, Any], now: datetime, wrong: dict[str, str], field: str
) -> None:
    told = {"title": "Do it", "owner": "olga", "due": now.date(), **wrong}
    with pytest.raises(Invalid) as refused:
        actions.open_item(told.pop("title"), **told, **who)  # type: ignore[arg-type]
    assert (refused.value.field, ActionItem.objects.count()) == (field, 0)


def test_what_is_late_is_told_once_for_each_day_it_was_given(olga: User, who: dict[str, Any], now: datetime) -> None:
    today = now.date()
    row = actions.open_item("Do it", owner="olga", due=today - DAY, **who)
    actions.open_item("Later", owner="olga", due=today, **who)
    assert [actions.tell_late(today=today, now=now) for _ in range(2)] == [1, 0]
    told = {"title": row.title, "text": "", "owner": "olga", "version": row.version}
    actions.change_item(row.pk, due=date(2025, 8, 20), **told, **who)
    assert actions.tell_late(today=date(2025, 8, 20), now=now) == 1, "the other, due today, is late by then"
    assert actions.tell_late(today=date(2025, 8, 21), now=now) == 1
    late = events.recent().filter(kind="action.overdue")
    assert [event.data["to"] for event in late] == [["olga"]] * 3


def test_the_owner_of_what_is_late_gets_a_mail_with_the_communication_plan(who: dict[str, Any], now: datetime) -> None:
    User.objects.create_user("olga", "olga@example.org")
    actions.open_item("Cut the list into pages", owner="olga", due=now.date() - DAY, **who)
    actions.tell_late(today=now.date(), now=now)
    somebody_hears("email")
    assert announcing.announce(now=now) == 1
    alert = communications.selectors.alerts()[0]
    assert (alert.severity, alert.feature) == ("warning", "Cut the list into pages")
    mails = dict(Announcement.objects.values_list("recipient", "subject"))
    assert sorted(mails) == ["olga@example.org", "ops@example.org"]
    assert all("ACTION ITEM OVERDUE" in subject for subject in mails.values())


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
def test_two_clocks_tell_what_is_late_once_and_two_reports_open_one_item(who: dict[str, Any], now: datetime) -> None:
    User.objects.create_user("olga")
    told = {"owner": "olga", "due": now.date() - DAY, "key": "report-3-a"}
    at_once(*[lambda: actions.open_item("Do it", **told, **who)] * 4)
    assert ActionItem.objects.count() == 1
    at_once(*[lambda: actions.tell_late(today=now.date(), now=now)] * 4)
    kinds = [event.kind for event in events.recent().order_by("id")]
    assert kinds == ["action.opened", "action.overdue"]


def test_lessons_are_found_by_words_in_any_case_and_shown_where_they_matter(db: None, who: dict[str, Any]) -> None:
    base = {"area": "technical", "sort": "challenges"}
    slow = lessons.write({**base, "text": "Über alles langsam", "tags": ["Rückweg"], "about": ["flag:a"]}, **who)
    other = lessons.write({**base, "text": "Something else", "evidence": "rollback:rb-1"}, **who)
    assert learnt.found("über rückweg") == [slow]
    assert learnt.found("[") == []
    assert learnt.about(["phase:9", "flag:a"]) == [slow]
    assert list(learnt.taught_by("rollback:rb-1")) == [other]
    lessons.retire(slow.pk, reason="solved", **who)
    assert learnt.found() == [other]
    assert learnt.about(["flag:a"]) == []
    assert list(learnt.retired()) == [slow]


def test_prerequisites_are_measured_where_they_can_be_and_said_where_not(
    flag: Flag, who: dict[str, Any], now: datetime
) -> None:
    given = {
        "title": "Next",
        "risks": {"technical": "LOW", "operational": "LOW", "business": "LOW"},
        "prerequisites": [
            {"text": "plan", "check": "plan", "of": "production"},
            {"text": "flag", "check": "flag", "of": f"{flag.key} in production"},
            {"text": "gone", "check": "flag", "of": "gone in production"},
            {"text": "calm", "check": "incidents"},
            {"text": "ask", "check": "feedback", "of": "1"},
            {"text": "think"},
        ],
    }
    row = future.define_phase("next", given, reason="", **who)

    def standing() -> list[bool | None]:
        return [one.met for one in coming.standing(row, now=now + timedelta(seconds=1))]

    assert standing() == [None, False, None, True, False, False]
    rollout.set_rollout(flag.key, "production", 100, reason="all", **who)
    rollout.enable(flag.key, "production", reason="all", **who)
    said(who, 3)
    row = future.say_met("next", "think", met=True, note="I did", **who)
    assert standing() == [None, True, None, True, True, True]
    with pytest.raises(Invalid):
        future.say_met("next", "flag", met=True, note="I say so", **who)
    kept = {**given, "prerequisites": given["prerequisites"][:5]}
    assert future.define_phase("next", kept, reason="less", **who).said == {}
    assert OLGA.name == row.said["think"]["by"]
