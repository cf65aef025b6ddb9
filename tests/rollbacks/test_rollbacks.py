"""Asked for, planned, confirmed by somebody else, done step by step."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

import flags.selectors
from core import events, migrated
from core.actors import Actor, ActorKind
from core.errors import Conflict, Invalid, NotFound, Refused
from core.masking import masked
from core.migrated import Back, Run
from flags.services import emergency
from monitoring.models import Trigger
from rollbacks import selectors
from rollbacks.models import Rollback
from rollbacks.services import deciding, mending, requesting, running
from rollouts.domain.validation import Check, Result
from rollouts.services import validation
from tests.rollbacks.conftest import ANNA, BAD, GOOD, KEY, OLGA, OTHER, Ask, Cluster, all_pass, confirm, switch_on, told

pytestmark = pytest.mark.django_db


def is_on(key: str = KEY) -> bool:
    return flags.selectors.state(key, "production").enabled


def go_on(row: Rollback, now: datetime, *, checks: Any = all_pass) -> Rollback:
    """What the workers do in half a minute."""
    for tick in range(6):
        at = now + timedelta(seconds=5 * (tick + 1))
        running.advance(clock=lambda at=at: at)  # type: ignore[misc]
        validation.run_due(now=at, every=timedelta(0), apart=checks)
    return selectors.get(row.public_id)


def states(row: Rollback) -> list[tuple[str, str]]:
    return [(step.kind, step.state) for step in selectors.get(row.public_id).steps.all()]


def test_another_person_confirms_and_the_flag_is_off_at_once(ask: Ask, now: datetime) -> None:
    row = ask(evidence="errors at 7 %")
    assert [step["title"] for step in row.plan["steps"]] == [
        "Disable feature flags",
        "See what nctool still serves",
        "Validate system health",
        "Notify stakeholders",
    ]
    assert row.plan["steps"][0]["lines"] == [f"{KEY}: 25 % → off"]
    assert (row.estimate, row.risk) == (900, "LOW")
    assert is_on()
    confirm(row, now=now)
    state = flags.selectors.state(KEY, "production")
    assert (state.enabled, state.rollback_id) == (False, row.public_id)
    done = go_on(row, now)
    assert done.state == "done"
    assert {state for _, state in states(row)} == {"done"}
    kinds = events.about(f"rollback:{row.public_id}").order_by("id").values_list("kind", flat=True)
    assert list(kinds) == [
        "rollback.requested",
        "rollback.confirmed",
        *["rollback.step_done"] * 4,
        "rollback.completed",
    ]
    assert ask_again_estimate(ask, now) == round((done.closed_at - done.confirmed_at).total_seconds())  # type: ignore[operator]


def ask_again_estimate(ask: Ask, now: datetime) -> int:
    switch_on(KEY, 25, now=now)
    return ask(now=now + timedelta(hours=1)).estimate


def test_nobody_confirms_what_he_asked_for_nor_does_a_token(ask: Ask, now: datetime) -> None:
    row = ask()
    with pytest.raises(Refused, match="another person"):
        confirm(row, OLGA, now=now)
    with pytest.raises(Refused, match="Only a person"):
        confirm(row, Actor("deploy", ActorKind.TOKEN), now=now)
    assert is_on()


def test_a_plan_that_has_moved_is_made_anew_and_needs_a_new_word(ask: Ask, now: datetime) -> None:
    row = ask()
    seen = row.digest
    switch_on(KEY, 50, now=now)
    with pytest.raises(Conflict, match=rf"No longer: {KEY}: 25 % → off. Now: {KEY}: 50 % → off"):
        confirm(row, now=now)
    with pytest.raises(Conflict, match="not what you looked at any more"):
        confirm(row, now=now, digest=seen)
    assert (is_on(), told("rollback.replanned"), told("rollback.confirmed")) == (True, 1, 0)
    confirm(row, now=now)
    assert not is_on()


def test_what_was_taken_back_meanwhile_closes_the_request(ask: Ask, now: datetime) -> None:
    row = ask()
    emergency.emergency_disable(KEY, "production", actor=ANNA, reason="fire", now=now)
    deciding.watch(now=now)
    after = selectors.get(row.public_id)
    assert (after.state, after.closed_by) == ("refused", "clock")
    assert "nothing left to take back" in after.closed_reason


def test_it_expires_and_is_refused_with_a_reason(ask: Ask, now: datetime) -> None:
    row = ask()
    with pytest.raises(Conflict, match="expired"):
        confirm(row, now=now + timedelta(hours=1))
    deciding.watch(now=now + timedelta(hours=1))
    assert selectors.get(row.public_id).state == "expired"
    other = ask(now=now + timedelta(hours=2))
    with pytest.raises(Invalid, match="Say why"):
        deciding.refuse(other.public_id, reason=" ", actor=ANNA, now=now + timedelta(hours=2))
    deciding.refuse(other.public_id, reason="not needed", actor=ANNA, now=now + timedelta(hours=2))
    assert (selectors.get(other.public_id).closed_reason, is_on()) == ("not needed", True)


@pytest.mark.parametrize(
    ("component", "over", "error", "says"),
    [
        ("feature", {"flag": "nope"}, NotFound, "There is no flag 'nope'"),
        ("feature", {"flag": ""}, Invalid, "Name the flag"),
        ("feature", {"reason": " "}, Invalid, "Say why"),
        ("feature", {"evidence": "x\x00"}, Invalid, "cannot be stored"),
        ("feature", {"evidence": "x" * 5001}, Invalid, "At most 5,000"),
        ("application", {}, Invalid, "No application is set up"),
        ("database", {}, Invalid, "No migration has been run here"),
        ("all", {"flag": KEY}, Invalid, "Only the rollback of a feature"),
        ("everything", {}, Invalid, "There is no component 'everything'"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(
    component: str, over: dict[str, str], error: type[Exception], says: str, ask: Ask
) -> None:
    with pytest.raises(error, match=says):
        ask(component, **over)
    assert told("rollback.requested") == 0


def test_the_same_is_asked_for_once(ask: Ask, now: datetime) -> None:
    first = ask()
    with pytest.raises(Conflict, match=first.public_id):
        ask()


@pytest.mark.usefixtures("both")
def test_all_switches_every_flag_off_with_one_id_and_says_what_it_leaves_out(ask: Ask, now: datetime) -> None:
    row = ask("all")
    assert row.plan["notes"] == [
        "The application is left out: No application is set up for this environment (the playbook's `applications`).",
        "No migration has been run here, so there is nothing to take back in the database.",
    ]
    confirm(row, now=now)
    ids = {flags.selectors.state(key, "production").rollback_id for key in (KEY, OTHER)}
    assert ids == {row.public_id}


class Runs:
    """An app that has run one migration."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    def runs(self, environment: str) -> Sequence[Run]:
        return [Run("m2", "002 atomic melt support", 12_000)]

    def take_back(self, uid: str, *, actor: Actor, reason: str, now: datetime) -> Back:
        self.taken.append(uid)
        return Back(f"{min(12_000, 6_000 * len(self.taken)):,} of 12,000 documents", done=len(self.taken) >= 2)


def test_a_migration_that_was_run_is_taken_back_by_its_app_after_the_flags(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    source = Runs()
    monkeypatch.setattr(migrated, "_sources", [])
    migrated.add_source(source)
    row = ask("database")
    assert row.risk == "HIGH"
    assert row.plan["steps"][1]["lines"] == ["002 atomic melt support: 12,000 documents get back what they had"]
    confirm(row, now=now)
    assert (is_on(), source.taken) == (False, [])
    assert (go_on(row, now).state, source.taken) == ("done", ["m2", "m2"]), "it waits until all of it is back"


def test_in_an_emergency_one_person_is_enough_and_it_is_marked(ask: Ask, now: datetime) -> None:
    row = ask(actor=ANNA)
    with pytest.raises(Refused, match="emergency lane of Production is closed"):
        confirm(row, now=now, emergency=True)
    Trigger.objects.create(
        key="errors",
        environment=row.environment,
        name="Error rate",
        measure="ratio",
        numerator={},
        threshold=5,
        window=60,
        max_window=60,
        min_samples=1,
        consecutive=1,
        target="flag",
        flag_key=KEY,
        state="latched",
    )
    confirm(row, now=now, emergency=True)
    event = events.recent().filter(kind="rollback.confirmed").get()
    assert (event.data["emergency"], event.reason) == (
        True,
        "The emergency lane is open: trigger Error rate has fired.",
    )
    assert (selectors.get(row.public_id).emergency, is_on()) == (True, False)


def test_the_application_goes_back_to_the_template_before_after_the_flags(
    ask: Ask, cluster: Cluster, now: datetime
) -> None:
    row = ask("application")
    assert row.plan["steps"][1]["lines"] == [
        f"The deployment nctool in nctool (nctool-production): revision 3 ({BAD}) → revision 2 ({GOOD})"
    ]
    confirm(row, now=now)
    assert (is_on(), cluster.state["image"]) == (False, BAD)
    cluster.set(ready_after=0)
    done = go_on(row, now)
    assert (done.state, cluster.state["image"], cluster.state["revisions"][GOOD]) == ("done", GOOD, 4)
    assert [said for said in cluster.said if said.startswith("rollout")] == [
        "rollout undo deployment/nctool --to-revision=2 --request-timeout=5s",
        "rollout status deployment/nctool --timeout=300s",
    ]
    step = done.steps.get(kind="application")
    assert step.output == f"Revision 4 ({GOOD}) is live, 2 pods of it ready: nctool-0, nctool-1."
    assert step.journal["intent"]["target_revision"] == 2


def test_a_second_rollback_never_goes_back_to_what_the_first_went_away_from(
    ask: Ask, cluster: Cluster, now: datetime
) -> None:
    row = ask("application")
    confirm(row, now=now)
    go_on(row, now)
    again = ask("application", now=now + timedelta(hours=1))
    assert "(nctool:1.9.4) → revision 1 (nctool:1.9.3)" in again.plan["steps"][0]["lines"][0]


def test_revisions_that_move_between_the_plan_and_the_undo_are_found_by_their_template(
    ask: Ask, cluster: Cluster, now: datetime
) -> None:
    row = ask("application")
    confirm(row, now=now)
    cluster.set(revisions={"nctool:1.9.3": 2, GOOD: 5, BAD: 6})
    assert go_on(row, now).state == "done"
    assert (cluster.state["image"], cluster.state["undone"]) == (GOOD, 1)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ({"faults": {"undo": "refuse"}}, r"kubectl rollout undo failed \(1\): Error from server \(Forbidden\)"),
        ({"paused": True}, "deployment is paused"),
        ({"context": "another"}, 'context "nctool-production" does not exist'),
        (
            {"image": "nctool:2.0.1", "revisions": {GOOD: 2, BAD: 3, "nctool:2.0.1": 4}},
            "Somebody has deployed nctool:2.0.1",
        ),
        ({"uid": "d2"}, "deleted and made anew"),
        ({"revisions": {BAD: 3}}, "is not kept any more"),
        ({"ready_after": 0, "faults": {"status": "deadline"}}, "exceeded its progress deadline"),
        ({"faults": {"deployment": "refuse"}}, "Forbidden"),
    ],
)
def test_whatever_goes_wrong_in_the_cluster_stops_it_and_nothing_is_undone_twice(
    fault: dict[str, Any], says: str, ask: Ask, cluster: Cluster, now: datetime
) -> None:
    row = ask("application")
    confirm(row, now=now)
    cluster.set(**fault)
    stopped = go_on(row, now)
    step = stopped.steps.get(kind="application")
    assert (stopped.state, step.state, told("rollback.step_failed")) == ("stopped", "failed", 1)
    assert re.search(says, step.error)
    assert "eyJ" not in step.error
    assert "memcache.go" not in step.error
    assert cluster.state["undone"] == (1 if "ready_after" in fault else 0)

    cluster.set(faults={}, context="nctool-production", paused=False, ready=2, uid="d1", image=cluster.state["image"])
    if "image" not in fault and "revisions" not in fault:
        mending.retry(row.public_id, actor=OLGA, now=now + timedelta(minutes=1))
        assert go_on(row, now + timedelta(minutes=1)).state == "done"
        assert (cluster.state["image"], cluster.state["undone"]) == (GOOD, 1)


@pytest.mark.parametrize("command", ["deployment", "undo"])
def test_a_kubectl_that_hangs_is_ended_and_what_it_did_is_read_from_the_object(
    command: str, ask: Ask, cluster: Cluster, settings: Any, now: datetime
) -> None:
    row = ask("application")
    confirm(row, now=now)
    settings.KUBECTL_TIMEOUT = 0
    cluster.set(faults={command: "hang"})
    assert "did not answer within 1 s" in go_on(row, now).steps.get(kind="application").error
    with pytest.raises(ProcessLookupError):
        os.kill(cluster.state["pid"], 0)
    settings.KUBECTL_TIMEOUT = 5
    cluster.set(faults={})
    mending.retry(row.public_id, actor=OLGA, now=now)
    assert go_on(row, now).state == "done"
    assert cluster.state["undone"] == 1


def test_an_undo_whose_answer_was_lost_is_not_done_again(ask: Ask, cluster: Cluster, now: datetime) -> None:
    row = ask("application")
    confirm(row, now=now)
    cluster.set(faults={"undo": "die after"})
    assert go_on(row, now).state == "stopped"
    mending.retry(row.public_id, actor=OLGA, now=now)
    assert go_on(row, now).state == "done"
    assert (cluster.state["undone"], cluster.state["image"]) == (1, GOOD)


def test_success_is_read_from_the_object_and_pods_that_do_not_come_within_300_seconds_stop_it(
    ask: Ask, cluster: Cluster, now: datetime
) -> None:
    row = ask("application")
    confirm(row, now=now)
    cluster.set(ready_after=1, faults={"status": "lie"})  # it says that all is rolled out
    for second, state in ((5, "pending"), (10, "pending"), (309, "pending"), (310, "failed")):
        running.advance(clock=lambda second=second: now + timedelta(seconds=second))  # type: ignore[misc]
        assert row.steps.get(kind="application").state == state
    assert "After 300 s 1 of 2 pods are available" in row.steps.get(kind="application").error
    cluster.set(faults={})
    mending.retry(row.public_id, actor=OLGA, now=now)
    assert (go_on(row, now).state, cluster.state["undone"]) == ("done", 1)


def test_without_kubectl_it_is_done_by_hand_and_the_result_is_recorded(
    ask: Ask, cluster: Cluster, settings: Any, now: datetime
) -> None:
    settings.KUBECTL = "/nowhere/kubectl"
    row = ask("application")
    what = row.plan["steps"][1]["what"]
    assert "There is no kubectl here" in what["by_hand"]
    assert what["commands"] == [
        "kubectl --context=nctool-production --namespace=nctool rollout history deployment/nctool",
        "kubectl --context=nctool-production --namespace=nctool rollout undo deployment/nctool --to-revision=REVISION",
        "kubectl --context=nctool-production --namespace=nctool rollout status deployment/nctool --timeout=300s",
        "kubectl --context=nctool-production --namespace=nctool get pods --selector=app=nctool",
    ]
    confirm(row, now=now)
    assert go_on(row, now).state == "stopped"
    with pytest.raises(Invalid, match="Say what was done"):
        mending.record(row.public_id, result="", actor=OLGA, now=now)
    mending.record(row.public_id, result="undone to 2, 2 of 2 ready", actor=OLGA, now=now)
    done = go_on(row, now)
    assert done.state == "done"
    assert done.steps.get(kind="application").output == "By hand, by olga: undone to 2, 2 of 2 ready"


def test_a_failed_step_is_skipped_with_a_reason_or_ends_it(ask: Ask, now: datetime) -> None:
    def one_fails(checks: validation.Checks) -> dict[Any, Any]:
        found = all_pass(checks)
        first = next(iter(found))
        return {**found, first: type(found[first])(False, "nctool does not answer")}

    row = ask()
    confirm(row, now=now)
    for second in (1, 2, 3):
        at = now + timedelta(seconds=second)
        running.advance(clock=lambda at=at: at)  # type: ignore[misc]
        validation.run_due(now=at, every=timedelta(0), apart=one_fails)
    stopped = selectors.get(row.public_id)
    assert stopped.state == "stopped"
    assert "nctool does not answer" in stopped.steps.get(kind="validate").error
    mending.retry(row.public_id, actor=OLGA, now=now, version=stopped.version)
    with pytest.raises(Conflict, match="changed by someone else"):
        mending.skip(row.public_id, reason="r", actor=OLGA, now=now, version=stopped.version)
    for second in (11, 12):
        at = now + timedelta(seconds=second)
        running.advance(clock=lambda at=at: at)  # type: ignore[misc]
        validation.run_due(now=at, every=timedelta(0), apart=one_fails)
    running.advance(clock=lambda: now + timedelta(seconds=13))
    mending.skip(row.public_id, reason="nctool is down on purpose", actor=OLGA, now=now)
    done = go_on(row, now)
    assert (done.state, done.closed_reason) == ("done", "Done, without validate.")
    assert told("rollback.skipped") == told("rollback.completed") == 1


def test_what_looks_back_into_what_was_rolled_back_is_told_and_does_not_stop_it(ask: Ask, now: datetime) -> None:
    def slow(checks: validation.Checks) -> dict[Any, Any]:
        spoilt = {Check.PERFORMANCE: Result(False, "Twice as slow."), Check.ATOMIC: Result(False, "Not whole.")}
        return {**all_pass(checks), Check.FEATURES: Result(None, "nothing there"), **spoilt}

    row = ask()
    confirm(row, now=now)
    done = go_on(row, now, checks=slow)
    assert done.state == "done"
    output = done.steps.get(kind="validate").output
    assert "passed: applicationHealth, databaseIntegrity, securityCompliance. performanceRegression is told" in output
    assert "over ten minutes, into what was rolled back: Twice as slow. Validate again then. atomicOperations" in output


def test_the_flags_are_never_left_out(ask: Ask, now: datetime) -> None:
    row = ask()
    confirm(row, now=now)
    row.steps.filter(kind="flags").update(state="failed")
    Rollback.objects.filter(pk=row.pk).update(state="stopped")
    with pytest.raises(Conflict, match="Flags come off first"):
        mending.skip(row.public_id, reason="r", actor=OLGA, now=now)
    mending.abort(row.public_id, reason="no", actor=OLGA, now=now)
    assert selectors.get(row.public_id).state == "aborted"


def test_one_rollback_is_under_way_in_an_environment(ask: Ask, both: None, now: datetime) -> None:
    one, two = ask(), ask(flag=OTHER)
    confirm(one, now=now)
    with pytest.raises(Conflict, match=f"Rollback {one.public_id} is running in Production"):
        confirm(two, now=now)
    assert is_on(OTHER)


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abc.def-123",
        "token=abc.def-123",
        'password: "abc.def-123"',
        "https://me:abc.def-123@host/x",
        "aws_secret_access_key = abc.def-123",
    ],
)
def test_no_secret_stays_in_what_a_command_said(text: str) -> None:
    assert "abc.def-123" not in masked(text)
    assert len(masked("x" * 9000)) < 2100


def test_a_preview_changes_nothing(on: Any) -> None:
    before = events.recent().count()
    planned = requesting.preview("production", "feature", flag=KEY).planned
    assert planned is not None
    assert planned.plan.steps[0].lines == [f"{KEY}: 25 % → off"]
    assert (events.recent().count(), Rollback.objects.count()) == (before, 0)
