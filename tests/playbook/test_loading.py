"""A load: once is enough, in one transaction, and never over what people changed since."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from core import environments, events, heartbeats
from core.actors import Actor
from flags import selectors
from flags.domain.bucketing import Bucketing
from flags.domain.change import StateChange
from flags.services import emergency, lists, registry, rollout
from monitoring.selectors import trigger
from nctool_rollout.playbook import loading, standing
from nctool_rollout.playbook.problems import PlaybookError
from nctool_rollout.playbook.validation import load_text
from rollouts.selectors import templates
from rollouts.services import starting, steering
from tests.playbook.conftest import LOADER, SMALL, Load, edited

pytestmark = pytest.mark.django_db
NCTOOL = Path(settings.BASE_DIR) / "playbooks" / "nctool-v2.yaml"


def state(environment: str = "live", flag: str = "sending") -> tuple[bool, float, dict[str, Any], list[str]]:
    found = selectors.state(flag, environment)
    npubs = selectors.allowed_users(found.pk).values_list("npub", flat=True)
    return found.enabled, float(found.percentage), found.parameters, list(npubs)


def test_a_load_sets_everything_and_says_who_did_it_and_by_which_playbook(load: Load) -> None:
    assert {decision.outcome for decision in load().values()} == {"create"}

    assert [environment.key for environment in environments.ordered()] == ["lab", "live"]
    assert environments.get("live").protected
    parameters = {"threshold": "HIGH", "limits": {"daily": 5}}
    assert state("lab") == (False, 0, parameters, ["npub1a", "npub1b"])
    assert state("live") == (True, 10, parameters, ["npub1a", "npub1b"])
    assert [step["percentage"] for step in templates().get().steps] == [20, 100]
    assert trigger("errors", "live").max_window == 300
    assert {(event.actor, event.actor_kind, event.reason) for event in events.recent()} == {
        ("lena", "command", "playbook small 1")
    }


def test_a_second_load_writes_nothing_not_even_an_event(load: Load) -> None:
    load()
    rows = events.recent().count()
    assert load() == {}
    assert events.recent().count() == rows


def test_what_nobody_touched_follows_the_next_edition(load: Load) -> None:
    load()
    decided = load(
        edited(
            ('version: "1"', 'version: "2"'),
            ("rolloutPercentage: 10", "rolloutPercentage: 15"),
            ("threshold: HIGH", "threshold: LOW"),
            ("        limits: {daily: 5}\n", "        retries: 3\n"),
            ("[npub1a, npub1b]", "[npub1b, npub1c]"),
            ("name: Lab", "name: Laboratory"),
            ("threshold: 5\n", "threshold: 2.5\n"),
            ("percentage: 20", "percentage: 25"),
        )
    )
    assert {decision.outcome for decision in decided.values()} == {"change", "create", "remove"}
    assert state() == (True, 15, {"threshold": "LOW", "retries": 3}, ["npub1b", "npub1c"])
    assert environments.get("lab").name == "Laboratory"
    assert trigger("errors", "live").threshold == 2.5
    assert templates().get().steps[0]["percentage"] == 25
    loaded = events.about("playbook:small").first()
    assert loaded is not None
    assert (loaded.before["version"], loaded.after["version"]) == ("1", "2")


def test_what_people_changed_since_stays_and_is_told_again_and_again(
    load: Load, operator_actor: Actor, now: datetime
) -> None:
    load()
    who = {"actor": operator_actor, "reason": "by hand", "now": now}
    rollout.set_rollout("sending", "live", 12, **who)
    patch = StateChange(patch={"threshold": "LOW", "mine": True})
    rollout.change("sending", "live", patch, **who)
    lists.edit_allow_list("sending", "live", add=["npub1z"], **who)
    environments.define("live", {"purpose": "Ours"}, **who)
    next_edition = edited(
        ("rolloutPercentage: 10", "rolloutPercentage: 50"),
        ("threshold: HIGH", "threshold: MEDIUM"),
        ("daily: 5", "daily: 6"),
        ("[npub1a, npub1b]", "[npub1c]"),
    )
    for _ in range(2):
        decided = load(next_edition)
        kept = {"/".join(item[2:]): decision for item, decision in decided.items() if item[1] == "live"}
        outcomes = {name: decision.outcome.value for name, decision in kept.items() if decision.outcome != "change"}
        assert outcomes == {
            "purpose": "keep",
            "sending/rollout": "keep",
            "sending/parameters/threshold": "keep",
            "sending/allowedUsers": "keep",
            "sending/parameters/mine": "extra",
        }
        assert "changed since the playbook was loaded" in kept["sending/rollout"].why
        parameters = {"threshold": "LOW", "limits": {"daily": 6}, "mine": True}
        assert state() == (True, 12, parameters, ["npub1a", "npub1b", "npub1z"])
    assert state("lab")[2:] == ({"threshold": "MEDIUM", "limits": {"daily": 6}}, ["npub1c"])

    rollout.set_rollout("sending", "live", 50, **who)  # the person comes round: from here the file leads again
    load(next_edition)
    assert ("states", "live", "sending", "rollout") in load(next_edition.replace("Percentage: 50", "Percentage: 60"))
    assert state()[1] == 60


def test_what_was_there_before_any_playbook_is_somebody_s(load: Load, operator_actor: Actor, now: datetime) -> None:
    who = {"actor": operator_actor, "reason": "by hand", "now": now}
    environments.define("live", {"name": "Live", "position": 2, "protected": True}, **who)
    registry.define("sending", name="Send", description="", bucketing=Bucketing.JS31, **who)
    decided = load()
    assert decided["flags", "sending", "name"].why == "set before a playbook was loaded"
    assert selectors.flags().get().name == "Send"
    assert state()[:2] == (True, 10), "nobody had used the flag"


def test_a_flag_that_is_ramping_or_was_switched_off_is_left_alone(
    load: Load, operator_actor: Actor, now: datetime
) -> None:
    load()
    who = {"actor": operator_actor, "reason": "by hand", "now": now}
    heartbeats.beat("guard", now=now)
    ramp = starting.start("slow", "live", **who)
    edition = edited(("rolloutPercentage: 10", "rolloutPercentage: 50"), ("threshold: HIGH", "threshold: LOW"))
    decided = load(edition)
    assert decided["states", "live", "sending", "rollout"].why == f"ramp {ramp.pk} is running here"
    assert decided["states", "live", "sending", "parameters", "threshold"].outcome == "keep"
    assert state()[:2] == (True, 10)
    assert decided["states", "lab", "sending", "parameters", "threshold"].outcome == "change"

    steering.roll_back(ramp.pk, **who)
    decided = load(edition)
    assert decided["states", "live", "sending", "rollout"].why == "switched off: by hand"
    assert state()[:2] == (False, 0)
    assert state()[2]["threshold"] == "LOW", "the ramp is over, and nobody touched the parameter"


def test_an_emergency_is_not_undone_even_where_the_flag_stands_as_the_playbook_set_it(
    load: Load, operator_actor: Actor, now: datetime
) -> None:
    load()
    emergency.emergency_disable("sending", "lab", actor=operator_actor, reason="mint", now=now)
    load(edited(("      allowedUsers", "      enabled: true\n      rolloutPercentage: 30\n      allowedUsers")))
    assert state("lab")[:2] == (False, 0)


def test_what_the_file_no_longer_names_stays_until_a_person_removes_it(load: Load) -> None:
    load()
    text = SMALL[: SMALL.index("ramps:")]
    decided = load(text)
    assert {decision.outcome for decision in decided.values()} == {"gone"}
    assert templates().exists()
    assert trigger("errors", "live").enabled
    assert load(SMALL) == {}


def test_a_flag_or_environment_that_left_the_file_stays_as_it_is(load: Load) -> None:
    second = ("    sending:\n      name: Sending", "    other:\n      name: Other\n      bucketing: js31\n")
    load(edited((second[0], second[1] + second[0]), ("  live:", "  test:\n    name: Test\n  live:")))
    decided = load()
    assert {decision.outcome.value for decision in decided.values()} == {"gone", "change"}
    changes = [item for item, decision in decided.items() if decision.outcome == "change"]
    assert changes == [("environments", "live", "position")]
    assert state("test", "other")[:2] == (False, 0)
    assert {item[:2] for item in load()} >= {("flags", "other"), ("environments", "test")}


def test_another_bucketing_is_refused_with_its_line_and_nothing_is_loaded(load: Load) -> None:
    load()
    rows = events.recent().count()
    text = edited(("bucketing: js31", "bucketing: murmur3"), ("name: Lab", "name: Other"))
    with pytest.raises(PlaybookError, match=r"small.yaml:8: .*bucketing: The flag has js31; another bucketing"):
        load(text)
    assert (environments.get("lab").name, events.recent().count()) == ("Lab", rows)


def test_a_refusal_half_way_leaves_nothing(load: Load, now: datetime) -> None:
    playbook, source = load_text(SMALL, file="small.yaml")
    # A definition that the checks would not let through, to see the last service of all refuse it.
    broken = playbook.triggers["errors"].model_copy(update={"window_seconds": 15})
    playbook = playbook.model_copy(update={"triggers": {"errors": broken}})
    with pytest.raises(PlaybookError, match=r"small.yaml:31: triggers.errors"):
        loading.load(playbook, source, actor=LOADER, now=now, file="small.yaml")
    assert standing.is_empty()
    assert not events.recent().exists()


def test_a_new_environment_gives_every_flag_its_start(load: Load) -> None:
    load()
    load(edited(("  live:", "  test:\n    name: Test\n    sameFlagsAs: live\n  live:")))
    assert [environment.key for environment in environments.ordered()] == ["lab", "test", "live"]
    assert state("test")[:2] == (True, 10)


def test_nctool_s_own_playbook_says_what_the_strategy_says(load: Load) -> None:
    assert load(NCTOOL.read_text())
    on = {
        environment.key: [
            f"{found.flag.key} {int(found.percentage)}" for found in selectors.states(environment.key) if found.enabled
        ]
        for environment in environments.ordered()
    }
    safe = "enhancedErrorHandling 100"
    assert on == {
        "development": ["atomicMeltOperations 100", safe, "preFlightReconciliation 100"],
        "staging": [safe],
        "pre-production": [safe],
        "production": [safe],
    }
    steps = {found.key: [step["percentage"] for step in found.steps] for found in templates()}
    assert steps == {
        "atomic-phased": [0, 10, 25, 50, 100],
        "atomic-six-week": [5, 15, 35, 60, 85, 100],
        "reconciliation-phased": [5, 25, 50, 100],
        "reconciliation-six-week": [10, 25, 50, 75, 90, 100],
    }
    phased = templates().get(key="atomic-phased").steps
    assert [step["parameters"] for step in phased if step["parameters"]] == [
        {"fallbackToLegacy": True, "transactionTimeout": 30000},
        {"fallbackToLegacy": False},
    ]
    limits = {key: trigger(key, "production").threshold for key in ("error-rate", "response-time", "throughput-drop")}
    assert limits == {"error-rate": 5, "response-time": 5000, "throughput-drop": 50}
    assert [
        (trigger(key, "production").threshold, trigger(key, "production").window)
        for key in ("critical-errors", "user-complaints")
    ] == [(10, 300), (5, 600)]
    assert standing.newest_document()["alertThresholds"] == {"errorRate": 1, "responseTime": 3000, "throughput": 10}
