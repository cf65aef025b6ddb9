"""What people and programs write is plain text; ratings say no more than they can; nothing refers to what is gone."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.actors import Actor
from core.errors import DomainError, Invalid
from core.models import Environment, User
from improvement.domain.actions import read_origin
from improvement.domain.feedback import Given, State, read_line, read_text
from improvement.domain.future import MOST, RISKS, read_key, read_phase
from improvement.domain.satisfaction import satisfaction
from improvement.models import Feedback
from improvement.selectors import feedback as told
from improvement.selectors import lessons as learnt
from improvement.services import actions, feedback, future, lessons
from tests.racing import at_once

LESSON = {"area": "technical", "sort": "successes", "text": "Text"}
PHASE = {"title": "Enhanced Features v2.1", "risks": dict.fromkeys(RISKS, "LOW")}


def receive(now: datetime, by: Actor, rating: int | None = None) -> Feedback:
    return feedback.receive("production", Given("user", "slow", rating=rating), actor=by, now=now).feedback


def test_text_may_look_like_markup_and_have_lines_but_no_signs_that_a_database_or_a_mail_cannot_hold() -> None:
    assert read_text(" <b>a\r\nb</b>\t☂ ", field="text") == "<b>a\nb</b>\t☂"
    for text in ("a\0", "a\x1b[31m", "\ud800"):
        with pytest.raises(Invalid, match="Plain text"):
            read_text(text, field="text")
    with pytest.raises(Invalid, match="One line"):
        read_line("a\nBcc: x@example.org", field="title", longest=200)


@pytest.mark.parametrize(
    "origin",
    ["feedback:12", "rollback:rb-1", "alert_rule:x", "public-incident:3", "alert:High error rate", ""],
)
def test_an_origin_is_any_subject_of_events(origin: str) -> None:
    assert read_origin(origin) == origin


@pytest.mark.parametrize("origin", ["feedback", "feedback:", ":12", "feedback:12\n", "a:" + "x" * 200])
def test_another_origin_is_refused(origin: str) -> None:
    with pytest.raises(Invalid):
        read_origin(origin)


def test_the_key_of_a_next_phase_is_one_that_a_playbook_can_have() -> None:
    assert read_key("q1_2025") == "q1_2025"
    for key in ("enhanced-v2.1", "abc\n", "", "x" * 61):
        with pytest.raises(Invalid):
            read_key(key)


@pytest.mark.parametrize("texts", [["a", "a"], [str(number) for number in range(MOST + 1)]])
def test_prerequisites_are_refused_when_too_many_or_twice_the_same_and_never_cut(texts: list[str]) -> None:
    with pytest.raises(Invalid) as refused:
        read_phase({**PHASE, "prerequisites": [{"text": text} for text in texts]})
    assert refused.value.field == "prerequisites"


@given(st.dictionaries(st.integers(1, 5), st.integers(1, 500), min_size=1))
def test_the_interval_of_satisfaction_holds_the_mean_and_is_never_without_width(counts: dict[int, int]) -> None:
    found = satisfaction(counts)
    assert found.low is not None
    assert found.high is not None
    assert found.mean is not None
    assert 1 - 1e-9 <= found.low <= found.mean + 1e-9
    assert found.mean - 1e-9 <= found.high <= 5 + 1e-9
    assert found.low < found.high


def test_thirty_answers_of_five_are_not_certain() -> None:
    """Wilson's lower bound of 30 out of 30 is 1 / (1 + 1.96² / 30) = 0.8865."""
    assert satisfaction({5: 30}).low == pytest.approx(1 + 4 * 0.8865, abs=0.001)


@pytest.mark.django_db
def test_to_decline_a_wish_does_not_take_back_what_its_user_rated(
    all_environments: None, operator_actor: Actor, now: datetime
) -> None:
    receive(now, operator_actor, 5)
    feedback.settle(
        receive(now, operator_actor, 1).pk, State.DECLINED, actor=operator_actor, reason="Not planned", now=now
    )
    assert told.satisfaction(start=now, end=now + timedelta(days=1)) == (3.0, 2)


@pytest.mark.django_db
def test_an_environment_goes_with_its_feedback_and_its_duplicates(
    all_environments: None, operator_actor: Actor, now: datetime
) -> None:
    first, second = receive(now, operator_actor), receive(now, operator_actor)
    feedback.settle(second.pk, State.DUPLICATE, actor=operator_actor, reason="Same", now=now, duplicate_of=first.pk)
    Feedback.objects.filter(environment=first.environment).delete()
    assert not Feedback.objects.exists()
    assert Environment.objects.filter(key="production").exists()


@pytest.mark.django_db
def test_an_item_that_is_open_again_has_changed_nothing_and_a_key_has_its_length(
    operator_actor: Actor, now: datetime
) -> None:
    User.objects.create_user("olga")
    who = {"owner": "olga", "due": date(2025, 9, 1), "actor": operator_actor, "now": now}
    item = actions.open_item("Split the checks", **who)  # type: ignore[arg-type]
    actions.close_item(item.pk, outcome="Done", changes="flag:x", actor=operator_actor, now=now)
    assert actions.reopen_item(item.pk, reason="It was not", actor=operator_actor, now=now).changes == ""
    with pytest.raises(Invalid) as refused:
        actions.open_item("Another", key="k" * 141, **who)  # type: ignore[arg-type]
    assert refused.value.field == "key"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("words", "hits"), [("RÜCKWEG", 1), ("über melt", 1), ("ü", 1), ("[", 0), ('"', 0), ("u00fc", 0), ("%", 0), ("", 1)]
)
def test_the_search_knows_every_alphabet_and_no_way_of_storing(
    words: str, hits: int, operator_actor: Actor, now: datetime
) -> None:
    lesson = {**LESSON, "text": "Über Nacht", "detail": "The melts", "tags": ["rückweg", "nacht"]}
    lessons.write(lesson, actor=operator_actor, now=now)
    assert len(learnt.found(words)) == hits


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
def test_two_who_call_each_the_duplicate_of_the_other_make_one_duplicate(
    all_environments: None, operator_actor: Actor, now: datetime
) -> None:
    one, two = receive(now, operator_actor).pk, receive(now, operator_actor).pk

    def call(which: int, of: int) -> Feedback:
        why = {"actor": operator_actor, "reason": "Same", "now": now}
        return feedback.settle(which, State.DUPLICATE, duplicate_of=of, **why)  # type: ignore[arg-type]

    done = at_once(lambda: call(one, two), lambda: call(two, one))
    assert sum(isinstance(each, DomainError) for each in done) == 1
    assert Feedback.objects.filter(state=State.DUPLICATE).count() == 1


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
def test_two_who_plan_one_phase_and_one_quarter_at_once_make_one_of_each(operator_actor: Actor, now: datetime) -> None:
    who = {"actor": operator_actor, "reason": "", "now": now}

    def plan() -> None:
        future.define_phase("next", PHASE, **who)  # type: ignore[arg-type]
        future.define_quarter("q1_2026", {"focus": "Stability"}, **who)  # type: ignore[arg-type]

    assert at_once(plan, plan, plan) == [None] * 3
