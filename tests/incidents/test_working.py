"""Incidents on the real database: worked on, resolved, learnt from."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from core import events
from core.errors import Conflict, IllegalMove, Invalid, NotFound, StaleVersion
from flags.domain.change import StateChange
from flags.models import Flag
from flags.services import emergency, rollout
from incidents import selectors
from incidents.domain.states import Does, IncidentState, Role
from incidents.models import Incident
from incidents.selectors import timeline
from incidents.services import (
    acting,
    levelling,
    paging,
    post_mortems,
    steering,
    telling,
    watching,
)
from monitoring.models import Attention
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
    kinds,
    state,
    told,
)
from tests.monitoring.conftest import Traffic

pytestmark = pytest.mark.django_db
S = IncidentState
Declare = Callable[..., Incident]
MINUTE = timedelta(minutes=1)


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
