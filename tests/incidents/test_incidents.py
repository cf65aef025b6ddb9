"""Incidents on the real database: opened, raised, worked on, resolved, learnt from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

import rollbacks.selectors
from core import events
from core.errors import Conflict, IllegalMove, Invalid, NotFound, StaleVersion
from core.models import Event
from flags.domain.change import StateChange
from flags.models import Flag
from flags.services import emergency, rollout
from incidents import selectors
from incidents.domain.levels import SEED
from incidents.domain.states import Does, IncidentState, Level, Role
from incidents.models import Followed, Incident, Link
from incidents.selectors import timeline
from incidents.services import (
    acting,
    following,
    levelling,
    linking,
    opening,
    paging,
    policies,
    post_mortems,
    steering,
    telling,
    watching,
)
from migrations_app.services import verifying
from monitoring.models import Attention
from monitoring.services import triggers
from tests.conftest import KEY
from tests.incidents.conftest import ANNA, OLGA, WHERE, alert, fired, follow, happens, kinds, told
from tests.monitoring.conftest import ERROR_RATE, Traffic

pytestmark = pytest.mark.django_db
S = IncidentState
Declare = Callable[..., Incident]
MINUTE = timedelta(minutes=1)


class Calls:
    """Notes who would be called."""

    def __init__(self) -> None:
        self.made: list[tuple[str, str]] = []

    def start(self, *, subject: str, chain: str, **told: object) -> None:
        self.made.append(("start", chain))

    def acknowledge(self, *, subject: str, **told: object) -> None:
        self.made.append(("acknowledge", subject))

    def stop(self, *, subject: str, **told: object) -> None:
        self.made.append(("stop", subject))


@pytest.fixture(autouse=True)
def nobody_is_called() -> Iterator[None]:
    yield
    paging.use(None)


def chained(now: datetime) -> None:
    """Level 3 calls the operations."""
    values = {**SEED[Level.CRITICAL], "chain": "operations"}
    policies.define("level3", values, actor=OLGA, reason="tests", now=now)


def state(row: Incident, target: S, *, now: datetime, why: str = "") -> Incident:
    return steering.set_state(row.pk, target, reason=why, actor=OLGA, now=now)


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
        assert rollbacks.selectors.lane(WHERE) == ""
        row = declare(3)
        assert f"incident {row.pk} is open at level 3" in rollbacks.selectors.lane(WHERE)
        assert rollbacks.selectors.lane("staging") == ""
        state(row, S.RESOLVED, now=now)
        assert rollbacks.selectors.lane(WHERE) == ""


class TestWork:
    def test_what_really_happened_ticks_the_list(self, declare: Declare, now: datetime) -> None:
        rollout.change(KEY, WHERE, StateChange(enabled=True, percentage=25), actor=OLGA, reason="x", now=now)
        row = declare(2)
        emergency.emergency_disable(KEY, WHERE, actor=ANNA, reason="harm", now=now)
        follow(now)
        done = row.actions.get(does=Does.DISABLE_FEATURES)
        assert (done.done_by, done.event.kind, done.note) == ("anna", "flag.emergency_disabled", "harm")
        assert row.actions.filter(done_at=None).count() == 3

    def test_what_had_happened_before_it_was_raised_is_done(self, declare: Declare, now: datetime) -> None:
        rollout.change(KEY, WHERE, StateChange(enabled=True, percentage=25), actor=OLGA, reason="x", now=now)
        row = declare(2)
        emergency.roll_back(KEY, WHERE, actor=ANNA, reason="harm", now=now)
        follow(now)
        levelling.raise_level(row.pk, 3, reason="Worse", actor=OLGA, now=now)
        assert row.actions.get(does=Does.ROLL_BACK).done_by == "anna"

    def test_an_update_is_told_to_each_audience_and_ticks_what_it_did(self, declare: Declare, now: datetime) -> None:
        row = declare(3)
        telling.update(row.pk, "Node 3 hangs", actor=OLGA, now=now)
        assert told("updated")[0]["audiences"] == ["developmentTeam", "operationsTeam", "management"]
        assert row.actions.get(does=Does.TELL_USERS).done_at is None
        telling.update(row.pk, "Still", texts={"users": "Melts are slow."}, components=["melts"], actor=OLGA, now=now)
        assert told("updated")[1]["texts"]["users"] == "Melts are slow."
        assert told("updated")[1]["components"] == ["melts"]
        assert row.actions.get(does=Does.TELL_USERS).done_by == "olga"

    def test_what_the_product_does_is_ticked_by_hand_only_with_a_note(self, declare: Declare, now: datetime) -> None:
        row = declare(2)
        scale, disable = row.actions.get(text="Scale infrastructure"), row.actions.get(does=Does.DISABLE_FEATURES)
        acting.mark_done(scale.pk, note="", actor=OLGA, now=now)
        with pytest.raises(Conflict, match="olga has done this"):
            acting.mark_done(scale.pk, note="", actor=ANNA, now=now)
        with pytest.raises(Invalid, match="what was done"):
            acting.mark_done(disable.pk, note="", actor=ANNA, now=now)

    def test_flags_are_watched_closely_until_it_is_over(self, declare: Declare, now: datetime) -> None:
        row = declare(1, flag_keys=[KEY])
        Attention.objects.create(environment=row.environment, flag_key=KEY, every=30)  # its ramp's
        assert acting.watch_closely(row.pk, actor=OLGA, now=now) == [KEY]
        assert sorted(Attention.objects.values_list("holder", "every")) == [(f"incident:{row.pk}", 10), ("ramp", 30)]
        assert row.actions.get(does=Does.WATCH_CLOSELY).done_by == "olga"
        state(row, S.RESOLVED, now=now)
        assert list(Attention.objects.values_list("holder", "every")) == [("ramp", 30)]

    def test_people_are_called_by_the_chain_of_the_level(self, declare: Declare, now: datetime) -> None:
        chained(now)
        calls = Calls()
        paging.use(calls)
        row = declare(2)
        levelling.raise_level(row.pk, 3, reason="Worse", actor=OLGA, now=now)
        acting.activate_team(row.pk, actor=OLGA, now=now)
        steering.acknowledge(row.pk, actor=ANNA, now=now)
        state(row, S.RESOLVED, now=now)
        subject = f"incident:{row.pk}"
        assert calls.made == [*[("start", "operations")] * 2, ("acknowledge", subject), ("stop", subject)]

    def test_one_whose_chain_is_not_there_opens_all_the_same(self, declare: Declare, now: datetime) -> None:
        class Unknown(Calls):
            def start(self, **told: object) -> None:
                raise NotFound("There is no chain operations.")

        chained(now)
        paging.use(Unknown())
        row = declare(3)
        assert kinds() == ["opened", "note"]
        assert "There is no chain" in events.about(f"incident:{row.pk}")[0].reason
        with pytest.raises(Conflict, match="Nobody can be called"):
            acting.activate_team(row.pk, actor=OLGA, now=now)
        assert row.actions.get(does=Does.ACTIVATE_TEAM).done_at is None

    def test_a_role_is_given_only_to_somebody_who_can_sign_in(
        self, declare: Declare, person: Callable[[str], object], now: datetime
    ) -> None:
        person("operator")
        row = declare()
        for _ in range(2):
            steering.assign(row.pk, {Role.COMMANDER: "operator", Role.SCRIBE: ""}, actor=OLGA, now=now)
        with pytest.raises(Invalid, match="Nobody called nobody"):
            steering.assign(row.pk, {Role.SCRIBE: "nobody"}, actor=OLGA, now=now)
        assert (selectors.get(row.pk).owner, len(told("role_assigned"))) == ("operator", 1)


class TestEnd:
    def test_the_times_are_what_they_say(self, flag: Flag, now: datetime) -> None:
        fired(4.0, now=now)
        row = follow(now + MINUTE)
        assert row is not None
        steering.acknowledge(row.pk, actor=ANNA, now=now + 3 * MINUTE)
        state(row, S.MONITORING, now=now + 10 * MINUTE)
        state(row, S.IDENTIFIED, now=now + 11 * MINUTE)  # it was not over
        state(row, S.MONITORING, now=now + 20 * MINUTE)
        state(row, S.RESOLVED, now=now + 30 * MINUTE)
        times = dict(timeline.times_of(selectors.get(row.pk)))
        assert times == {
            "To detect": MINUTE,
            "To acknowledge": 2 * MINUTE,
            "To mitigate": 20 * MINUTE,
            "To recover": 30 * MINUTE,
        }
        span = now + 30 * MINUTE, now + 31 * MINUTE
        assert selectors.recovery_times(WHERE, *span) == [30 * MINUTE]
        assert selectors.recovery_times(WHERE, now, span[0]) == []
        state(row, S.INVESTIGATING, now=now + 31 * MINUTE)
        assert selectors.recovery_times(WHERE, *span) == []

    def test_what_comes_back_soon_opens_it_again_and_later_a_new_one(self, declare: Declare, now: datetime) -> None:
        row = declare()
        state(row, S.RESOLVED, now=now)
        alert("Again", now=now + 14 * MINUTE)
        assert follow(now + 14 * MINUTE) == row
        assert kinds()[-3:] == ["reopened", "level_raised", "linked"]
        state(row, S.RESOLVED, now=now + 15 * MINUTE)
        alert("Later", now=now + 31 * MINUTE)
        again = follow(now + 31 * MINUTE)
        assert again is not None
        assert again.pk != row.pk

    def test_reopened_beside_another_it_does_not_gather(self, declare: Declare, now: datetime) -> None:
        first = declare()
        state(first, S.RESOLVED, now=now)
        second = declare()
        state(first, S.INVESTIGATING, now=now)
        assert (selectors.get(first.pk).gathers, selectors.get(second.pk).gathers) == (False, True)

    def test_monitoring_goes_back_by_itself_when_it_is_back(self, traffic: Traffic, now: datetime) -> None:
        traffic.melts(100, errors=0.1)
        watching.watch(now=traffic.at + timedelta(seconds=4))
        row = Incident.objects.get()
        state(row, S.MONITORING, now=traffic.at)
        watching.watch(now=traffic.at + timedelta(seconds=4))
        row.refresh_from_db()
        assert (row.state, row.mitigated_at) == ("investigating", None)

    def test_a_post_mortem_begins_with_the_timeline_and_is_exported(
        self, declare: Declare, person: Callable[[str], object], now: datetime
    ) -> None:
        person("operator")
        row = declare(2, summary="Melts <b>hang</b>")
        with pytest.raises(IllegalMove):
            post_mortems.start(row.pk, actor=OLGA, now=now)
        telling.note(row.pk, "Pods were [restarted](x)", actor=ANNA, now=now)
        state(row, S.RESOLVED, now=now + 5 * MINUTE)
        made = post_mortems.start(row.pk, actor=OLGA, now=now + 6 * MINUTE)
        assert [line for line in made.text.splitlines() if line.startswith("## ")] == [
            "## Summary",
            "## Impact",
            "## Timeline",
            "## Root cause",
            "## What went well",
            "## What went badly",
        ]
        assert r"Pods were \[restarted\](x) (anna)" in made.text
        text = made.text.replace("- \n", "- The rollback took a minute\n", 1)
        post_mortems.write(row.pk, text, version=1, actor=ANNA, now=now)
        with pytest.raises(StaleVersion):
            post_mortems.write(row.pk, "mine", version=1, actor=OLGA, now=now)
        told_ = {"owner": "operator", "due": now.date(), "actor": OLGA, "now": now}
        item = post_mortems.add_follow_up(row.pk, "Alert on the queue", **told_)  # type: ignore[arg-type]
        state(row, S.CLOSED, now=now)
        post_mortems.finish_follow_up(item.pk, actor=ANNA, now=now)
        exported = timeline.document(selectors.get(row.pk))
        assert exported.startswith(f"# Incident {row.pk}: Melts fail\n\n## Summary\n\nMelts \\<b\\>hang")
        assert "| Alert on the queue | operator | 2025-08-11 | done by anna |" in exported
        with pytest.raises(Conflict, match="is closed"):
            telling.note(row.pk, "late", actor=OLGA, now=now)


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


def test_a_declaration_that_cannot_be_is_refused_with_its_field(flag: Flag, now: datetime) -> None:
    for wrong, field in (({"title": " "}, "title"), ({"level": 4}, "level"), ({"components": ["A b"]}, "components")):
        given = {"title": "x", "level": 1, **wrong}
        with pytest.raises(Invalid) as refusal:
            opening.declare(WHERE, given.pop("title"), given.pop("level"), actor=OLGA, now=now, **given)
        assert refusal.value.field == field
