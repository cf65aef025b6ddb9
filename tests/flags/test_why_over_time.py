"""What an npub was answered after each change, worked out from the event log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from core.actors import Actor
from core.models import Event
from flags import selectors
from flags.domain.bucketing import Bucketing, js31_bucket
from flags.domain.change import StateChange
from flags.domain.replay import GAP, UNNAMED, Answer, Identity, Then, Told, timeline
from flags.models import Flag, FlagState
from flags.selectors import why
from flags.services import emergency, lists, registry, rollout

KEY = "atomicMeltOperations"
NPUB = "npub1qqq"
BUCKET = js31_bucket(NPUB)


@pytest.fixture
def story(flag: Flag, operator_actor: Actor, now: datetime) -> Callable[..., None]:
    """Does one thing after the other, an hour apart."""
    clock = iter(now + timedelta(hours=hour) for hour in range(1000))

    def tell(*steps: tuple[str, Any]) -> None:
        for verb, value in steps:
            about: dict[str, Any] = {"actor": operator_actor, "reason": "a test", "now": next(clock)}
            if verb == "set":
                rollout.change(KEY, "production", StateChange(enabled=value > 0, percentage=value), **about)
            elif verb == "emergency":
                emergency.emergency_disable(KEY, "production", **about)
            else:
                lists.edit_allow_list(KEY, "production", **{verb: [value]}, **about)

    return tell


def state() -> FlagState:
    return selectors.state(KEY, "production")


def told(npub: str = NPUB) -> list[bool | None]:
    """Whether it had the feature after each change, oldest first."""
    return [entry.answer and entry.answer.on for entry in reversed(why.over_time(state(), npub, {}))]


def test_the_answers_of_a_ramp_and_of_the_allow_list_are_told_in_their_order(story: Callable[..., None]) -> None:
    inside, beyond = BUCKET + 1, BUCKET
    story(("set", beyond or 1), ("set", inside), ("emergency", None), ("add", NPUB), ("set", beyond), ("remove", NPUB))
    #     created, beyond, inside, emergency, added while off, on by the list, off again
    assert told() == [False, False, True, False, False, True, False]
    newest = why.over_time(state(), NPUB, {})[0]
    assert (newest.event.kind, newest.event.reason, newest.changed) == ("flag.allow_list_changed", "a test", True)
    assert newest.answer.decision.why.startswith("The npub stands at")


@pytest.mark.django_db
def test_another_npub_has_a_history_of_its_own(story: Callable[..., None]) -> None:
    story(("set", 100), ("add", NPUB), ("set", 0))
    assert told("npub1other") == [False, True, True, False]
    assert told(NPUB) == [False, True, True, False]


def test_the_list_of_long_ago_follows_from_the_list_of_today_when_the_oldest_events_are_gone(
    story: Callable[..., None],
) -> None:
    story(("add", NPUB), ("set", 1), ("add", "npub1other"), ("remove", NPUB))
    Event.objects.filter(kind__in=["flag.created", "flag.allow_list_changed"], data__added=[NPUB]).delete()
    Event.objects.filter(kind="flag.created").delete()
    entries = why.over_time(state(), NPUB, {})
    assert entries[-1].event is None
    assert [entry.answer.on for entry in reversed(entries)] == [False, True, True, False]
    assert {entry.doubt for entry in entries} == {""}


def test_what_the_history_cannot_tell_is_said(story: Callable[..., None]) -> None:
    story(("set", 1), ("set", 100), ("set", 2), ("set", 3))
    Event.objects.filter(after__percentage=100).delete()
    doubts = [entry.doubt for entry in reversed(why.over_time(state(), NPUB, {}))]
    assert doubts == [GAP, GAP, "", ""]
    Event.objects.filter(after__percentage=3).update(
        before=Event.objects.get(after__percentage=3).before | {"allow_count": 7}
    )
    assert UNNAMED in [entry.doubt for entry in why.over_time(state(), NPUB, {})]


def test_answers_are_read_in_a_fixed_number_of_queries(
    story: Callable[..., None],
    operator_actor: Actor,
    now: datetime,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    story(("set", 100), ("add", NPUB))
    with django_assert_num_queries(3):
        assert len(why.answers(NPUB, {})) == 4
    for number in range(20):
        registry.define(
            f"f{number}", name="x", description="", bucketing=Bucketing.JS31, actor=operator_actor, reason="", now=now
        )
    with django_assert_num_queries(3):
        lines = why.answers(NPUB, {}, environment="production", search="melt")
    assert [(line.state.flag.key, line.decision.rule) for line in lines] == [(KEY, "allow-list")]


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("set"), st.integers(0, 100)),
            st.tuples(st.just("list"), st.booleans()),
            st.tuples(st.just("enabled"), st.booleans()),
        ),
        max_size=12,
    )
)
def test_reading_backwards_finds_what_going_forwards_answered(steps: list[tuple[str, Any]]) -> None:
    """The oracle answers as it goes; the replay sees only the present and the events."""
    at = datetime.fromisoformat("2025-08-11T09:00:00+00:00")
    now: dict[str, Any] = {"enabled": False, "percentage": 0, "allow_count": 0, "deny_count": 0, "targeting": {}}
    listed, events, expected = False, [], []

    def answers() -> bool:
        return now["enabled"] and (listed or js31_bucket(NPUB) < now["percentage"])

    expected.append(answers())
    for number, (what, value) in enumerate(steps, start=1):
        before, data = dict(now), {}
        if what == "set":
            now["percentage"] = value
        elif what == "enabled":
            now["enabled"] = value
        elif listed != value:
            data = {"added": [NPUB]} if value else {"removed": [NPUB]}
            listed, now["allow_count"] = value, int(value)
        events.append(Told(number, at, "flag.changed", "olga", "", before, dict(now), data))
        expected.append(answers())
    identity = Identity(KEY, "js31", "", "", "boolean", [])

    def reach(then: Then) -> bool:
        config = then.config()
        inside = js31_bucket(NPUB) < config.percentage
        return config.enabled and (NPUB in config.allowed or inside)

    found: list[Answer[bool]] = timeline(
        Then(NPUB, now, identity, listed, denied=False), reversed(events), reach, told=bool
    )
    assert [entry.answer for entry in reversed(found)] == expected
    assert not any(entry.doubt for entry in found)


def test_the_buckets_of_long_ago_are_those_of_the_definition_of_then() -> None:
    at = datetime.fromisoformat("2025-08-11T09:00:00+00:00")
    picture = {"enabled": True, "percentage": 50, "allow_count": 0}
    change = Told(2, at, "flag.definition_changed", "olga", "", {"bucketing": "js31"}, {"bucketing": "murmur3"}, {})
    now = Then(NPUB, picture, Identity(KEY, "murmur3", "pepper", "", "boolean", []), listed=False, denied=False)
    configs = [entry.answer for entry in timeline(now, [change], Then.config, told=bool)]
    assert [(config.bucketing, config.salt, config.percentage) for config in configs] == [
        (Bucketing.MURMUR3, "pepper", Decimal(50)),
        (Bucketing.JS31, "", Decimal(50)),
    ]
