"""Incidents on the real database: how they open, and how bad they are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

import rollbacks.selectors
from core.actors import Actor, ActorKind
from core.errors import Conflict, Invalid, StaleVersion
from core.models import Event
from flags.domain.change import StateChange
from flags.models import Flag
from flags.services import rollout, tokens
from incidents import selectors
from incidents.domain.states import Does, IncidentState
from incidents.models import Followed, Incident, Link
from incidents.selectors import timeline
from incidents.services import (
    following,
    levelling,
    linking,
    opening,
    paging,
    steering,
    telling,
    watching,
)
from migrations_app.services import verifying
from monitoring.services import triggers
from tests.conftest import KEY
from tests.incidents.conftest import (
    ANNA,
    OLGA,
    WHERE,
    Calls,
    alert,
    chained,
    fired,
    follow,
    happens,
    kinds,
    state,
    told,
)
from tests.monitoring.conftest import ERROR_RATE, Traffic

pytestmark = pytest.mark.django_db
S = IncidentState
Declare = Callable[..., Incident]
MINUTE = timedelta(minutes=1)


class TestOpening:
    def test_a_trigger_opens_one_and_what_comes_later_is_linked_to_it(self, flag: Flag, now: datetime) -> None:
        fired(4.2, now=now)
        row = follow(now)
        assert row is not None
        assert (row.level, row.title, row.opened_by) == (2, "Trigger error-rate has fired", "incidents")
        assert selectors.linked(row, "flag") == [KEY]
        alert("MeltOperationErrorRate", now=now + MINUTE)
        fired(6.0, now=now + MINUTE)
        assert follow(now + MINUTE) == row
        row.refresh_from_db()
        assert (row.level, Incident.objects.count()) == (3, 1)
        assert kinds() == ["opened", "linked", "level_raised", "linked"]
        assert {"incident", "title", "level", "state", "environment", "components"} <= set(told("opened")[0])

    def test_the_guard_that_rolls_back_opens_a_critical_one(self, traffic: Traffic, now: datetime) -> None:
        change = StateChange(enabled=True, percentage=25)
        rollout.change(KEY, WHERE, change, actor=OLGA, reason="x", now=now)
        triggers.define("error-rate", WHERE, ERROR_RATE, actor=OLGA, reason="x", now=now)
        traffic.melts(20, errors=0.01)
        traffic.judged()
        traffic.melts(40, errors=0.3)
        assert traffic.judged() == 1
        row = follow(traffic.at)
        assert row is not None
        assert (row.level, row.title, kinds()) == (
            3,
            "Trigger error-rate has fired",
            ["opened", "linked", "action_done"],
        )
        assert row.actions.get(does=Does.ROLL_BACK).done_by == "guard"

    def test_differences_that_a_verification_found_are_wrong_data(self, flag: Flag, now: datetime) -> None:
        checks = {"Balances": {"ok": False, "told": "wallets had 7 and have 6"}}
        found = {"checks": checks, "run": "mr-1", "migration": "002", "environment": WHERE}
        verifying.tell_differences({**found, "run": None}, actor=OLGA, now=now)
        assert follow(now) is None
        verifying.tell_differences(found, actor=OLGA, now=now)
        row = follow(now)
        assert row is not None
        assert (row.level, row.title) == (3, "Data differs after migration 002")

    def test_a_thousand_alerts_make_one_incident_that_is_read_in_few_queries(self, flag: Flag, now: datetime) -> None:
        for number in range(1000):
            alert(f"Alert{number % 300}", now=now + timedelta(milliseconds=number))
        row = follow(now + timedelta(seconds=5))
        assert row is not None
        assert (Incident.objects.count(), Link.objects.count(), Followed.objects.count()) == (1, 300, 1000)
        assert sum(Link.objects.values_list("times", flat=True)) == 1000
        assert len(told("linked")) == 2
        with CaptureQueriesContext(
            connection,
        ) as queries:
            lines = timeline.timeline(row, now=now + MINUTE)
        assert (len(queries), len(lines) <= 2 * timeline.NEWEST) == (2, True)
        assert lines[0].event.kind == "incident.opened"  # a flood hides nothing that was said

    def test_what_repeats_is_one_line_with_its_count(self, declare: Declare, now: datetime) -> None:
        row = declare()
        for second in range(5):
            alert("Same", now=now + timedelta(seconds=second))
        follow(now + MINUTE)
        newest = [line for line in timeline.timeline(row, now=now + MINUTE) if line.event.kind == "alert.firing"]
        assert [line.more for line in newest] == [4]

    def test_elsewhere_old_and_harmless_news_open_nothing(self, flag: Flag, now: datetime) -> None:
        happens("alert.firing", "alert:x", now=now, where="development", severity="critical")
        alert("Old", now=now - timedelta(hours=2))
        alert("Mild", now=now, severity="warning")
        happens("rollback.requested", "rollback:rb-1", now=now)
        assert follow(now) is None
        assert following.follow(now=now) == 0
        assert kinds() == []

    def test_a_person_is_told_of_the_open_one_and_may_open_another(self, declare: Declare, now: datetime) -> None:
        first = declare()
        with pytest.raises(Conflict, match=f"Incident {first.pk} is open in Production"):
            declare(3)
        other = declare(3, separate=True, flag_keys=[KEY], components=["melts"])
        assert (other.gathers, other.components) == (False, ["melts"])
        alert("Later", now=now)
        assert follow(now) == first

    def test_only_what_an_event_has_told_of_is_linked(self, declare: Declare, now: datetime) -> None:
        row = declare()
        for _ in range(2):
            linking.link(row.pk, f" flag:{KEY} ", actor=OLGA, now=now)
        assert [link.subject for link in row.links.all()] == [f"flag:{KEY}"]
        for wrong in ("rollback:../x", "flag:none", "flag", "press:it"):
            with pytest.raises(Invalid) as refusal:
                linking.link(row.pk, wrong, actor=OLGA, now=now)
            assert refusal.value.field == "subject"

    def test_merged_into_another_it_hands_over_what_it_knows(self, declare: Declare, now: datetime) -> None:
        first = declare(flag_keys=[KEY])
        other = declare(3, separate=True)
        telling.note(first.pk, "Began with the deployment", pin=True, actor=ANNA, now=now)
        linking.merge(first.pk, other.pk, reason="The same", actor=OLGA, now=now + MINUTE)
        merged, target = selectors.get(first.pk), selectors.get(other.pk)
        assert (merged.state, merged.merged_into_id) == ("merged", other.pk)
        assert target.gathers
        assert [fact["text"] for fact in target.facts] == ["Began with the deployment"]
        assert {link.subject for link in target.links.all()} == {f"flag:{KEY}", f"incident:{first.pk}"}
        with pytest.raises(Conflict):
            linking.merge(first.pk, other.pk, reason="Again", actor=OLGA, now=now)


class TestLevel:
    def test_it_follows_what_is_measured_up(self, traffic: Traffic, now: datetime) -> None:
        traffic.melts(300, errors=0.002)
        watching.watch(now=traffic.at + timedelta(seconds=4))
        assert not Incident.objects.exists()
        traffic.melts(100, errors=0.04)
        watching.watch(now=traffic.at + timedelta(seconds=4))
        row = Incident.objects.get()
        assert (row.cause, row.level) == ("measured", 1)
        traffic.melts(100, errors=0.2)
        watching.watch(now=traffic.at + timedelta(seconds=4))
        row.refresh_from_db()
        assert (row.level, row.highest) == (3, 3)
        assert told("level_raised")[0]["measured"]["error_rate"]["value"] == pytest.approx(20)
        traffic.melts(400, errors=0.0)
        watching.watch(now=traffic.at + timedelta(seconds=4))
        row.refresh_from_db()
        assert row.level == 3  # never down by itself

    def test_no_data_opens_nothing(self, flag: Flag, now: datetime) -> None:
        watching.watch(now=now)
        assert not Incident.objects.exists()

    def test_what_a_person_accepted_raises_it_only_when_it_gets_worse(self, traffic: Traffic, now: datetime) -> None:
        traffic.melts(100, errors=0.045)
        at = traffic.at + timedelta(seconds=4)
        watching.watch(now=at)
        row = Incident.objects.get()
        levelling.raise_level(row.pk, 3, reason="Wallets too", actor=OLGA, now=at)
        levelling.lower_level(row.pk, 1, reason="Only test wallets", actor=ANNA, now=at)
        watching.watch(now=at)
        row.refresh_from_db()
        measured = row.accepted
        assert (row.level, measured >= 1) == (1, True)
        traffic.melts(100, errors=0.2)
        watching.watch(now=traffic.at + timedelta(seconds=4))
        row.refresh_from_db()
        assert row.level == 3

    def test_unacknowledged_it_escalates_after_30_then_15_minutes(self, declare: Declare, now: datetime) -> None:
        row = declare(1)
        watching.watch(now=now + 30 * MINUTE - timedelta(seconds=1))
        assert selectors.get(row.pk).level == 1
        for minutes, level in ((30, 2), (44, 2), (45, 3), (49, 3)):
            watching.watch(now=now + minutes * MINUTE)
            assert selectors.get(row.pk).level == level
        watching.watch(now=now + 50 * MINUTE)
        watching.watch(now=now + 90 * MINUTE)
        assert len(told("overdue")) == 1
        assert row.actions.count() == 11

    def test_acknowledged_it_does_not(self, declare: Declare, now: datetime) -> None:
        row = declare(1)
        steering.acknowledge(row.pk, actor=ANNA, now=now + MINUTE)
        with pytest.raises(Conflict, match="anna has acknowledged"):
            steering.acknowledge(row.pk, actor=OLGA, now=now + MINUTE)
        watching.watch(now=now + 60 * MINUTE)
        after = selectors.get(row.pk)
        assert (after.level, after.escalate_at, after.owner) == (1, None, "anna")

    def test_who_looked_before_it_was_raised_lowers_nothing(self, declare: Declare, now: datetime) -> None:
        row = declare(2)
        levelling.raise_level(row.pk, 3, reason="Worse", actor=OLGA, now=now)
        with pytest.raises(StaleVersion):
            levelling.lower_level(row.pk, 1, reason="Fine", actor=ANNA, now=now, version=row.version)
        with pytest.raises(Invalid, match="Say why"):
            levelling.lower_level(row.pk, 1, reason=" ", actor=ANNA, now=now)

    def test_a_critical_one_opens_the_emergency_lane(self, declare: Declare, now: datetime) -> None:
        assert rollbacks.selectors.lane(WHERE, person="anna") == ""
        row = declare(3)
        assert f"incident {row.pk} is open at level 3" in rollbacks.selectors.lane(WHERE, person="anna")
        assert rollbacks.selectors.lane("staging", person="anna") == ""
        state(row, S.RESOLVED, now=now)
        assert rollbacks.selectors.lane(WHERE, person="anna") == ""

    def test_nobody_opens_the_emergency_lane_for_themselves(self, declare: Declare, now: datetime) -> None:
        def passes(who: Actor) -> bool:
            return bool(rollbacks.selectors.lane(WHERE, person=who.name))

        row = declare(2)
        watching.watch(now=now + 15 * MINUTE)
        assert (selectors.get(row.pk).level, passes(OLGA), passes(ANNA)) == (3, False, True)  # the clock adds no eyes
        levelling.lower_level(row.pk, 1, reason="Not so bad", actor=ANNA, now=now + 16 * MINUTE)
        levelling.raise_level(row.pk, 3, reason="Bad", actor=ANNA, now=now + 17 * MINUTE)
        assert (passes(OLGA), passes(ANNA)) == (False, False)
        happens("migration.differs", "migration:7", now=now + 18 * MINUTE)
        following.follow(now=now + 18 * MINUTE)
        assert (passes(OLGA), passes(ANNA), len(told("level_confirmed"))) == (True, True, 1)
        state(row, S.RESOLVED, now=now + 19 * MINUTE)
        state(row, S.INVESTIGATING, now=now + 20 * MINUTE)
        assert (passes(OLGA), passes(ANNA)) == (False, False)  # opened again by hand: confirmed anew

    def test_what_a_person_did_is_that_persons_word_too(self, flag: Flag, now: datetime) -> None:
        happens("flag.emergency_disabled", f"flag:{KEY}", now=now, by=ANNA)
        following.follow(now=now)
        watching.watch(now=now + 15 * MINUTE)
        assert rollbacks.selectors.lane(WHERE, person="anna") == ""
        assert rollbacks.selectors.lane(WHERE, person="olga") != ""

    def test_whoever_made_the_token_that_declares_has_said_it(self, flag: Flag, now: datetime) -> None:
        tokens.create("pager", WHERE, ["operate"], actor=ANNA, now=now)
        opening.declare(WHERE, "Melts fail", 3, actor=Actor("pager", ActorKind.TOKEN), now=now)
        assert rollbacks.selectors.lane(WHERE, person="anna") == ""
        assert rollbacks.selectors.lane(WHERE, person="olga") != ""

    def test_figures_that_reach_level_3_confirm_it_once(
        self, declare: Declare, traffic: Traffic, now: datetime
    ) -> None:
        declare(3)
        traffic.melts(300, errors=0.2)
        for seconds in (4, 14):
            watching.watch(now=traffic.at + timedelta(seconds=seconds))
        assert rollbacks.selectors.lane(WHERE, person="olga") != ""
        assert len(told("level_confirmed")) == 1


def test_a_worker_that_dies_between_its_writes_leaves_nothing_half_done(flag: Flag, now: datetime) -> None:
    class Dies(Calls):
        def start(self, **told: object) -> None:
            raise SystemExit

    chained(now)
    fired(6.0, now=now)
    paging.use(Dies())
    with pytest.raises(SystemExit):
        following.follow(now=now)
    paging.use(None)
    own = Event.objects.filter(kind__startswith="incident.")
    assert (Incident.objects.count(), Followed.objects.count(), own.count()) == (0, 0, 0)
    assert follow(now) is not None


def test_a_title_is_one_line(declare: Declare) -> None:
    assert declare(1, title=" Melts\r\nBcc: x@example.org ").title == "Melts Bcc: x@example.org"


def test_a_declaration_that_cannot_be_is_refused_with_its_field(flag: Flag, now: datetime) -> None:
    for wrong, field in (({"title": " "}, "title"), ({"level": 4}, "level"), ({"components": ["A b"]}, "components")):
        given = {"title": "x", "level": 1, **wrong}
        with pytest.raises(Invalid) as refusal:
            opening.declare(WHERE, given.pop("title"), given.pop("level"), actor=OLGA, now=now, **given)
        assert refusal.value.field == field
