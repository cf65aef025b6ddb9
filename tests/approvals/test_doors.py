"""The rules hold at every door: what one person may not do is refused, with the way to ask, and changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from approvals import selectors
from approvals.models import ChangeRequest
from approvals.services import applying, undo
from core import asking, events
from core.asking import ApprovalNeeded
from flags import selectors as flag_selectors
from flags.domain.change import StateChange
from flags.domain.definition import DefinitionChange
from flags.selectors import approval_rules
from flags.services import approval_rules as rules_service
from flags.services import (
    bulk,
    definition,
    emergency,
    lists,
    promotion,
    rollout,
    segments,
    targeting,
    tokens,
)
from nctool_rollout.playbook import loading
from nctool_rollout.playbook.export import as_yaml, export
from nctool_rollout.playbook.problems import PlaybookError
from nctool_rollout.playbook.validation import load_text
from rollouts.models import Ramp, RampTemplate
from rollouts.services import starting, steering
from tests.approvals.conftest import ANNA, BEN, KEY, OLGA, OTHER, approve
from tests.rollouts.conftest import as_playbook

pytestmark = pytest.mark.django_db
NPUBS = [f"npub1{number}" for number in range(101)]
IN_EU = {"rules": [{"name": "EU", "when": [{"segment": "eu"}], "serve": "on"}]}


@pytest.fixture(autouse=True)
def ground(rules: Any, now: datetime) -> datetime:
    """In production the flag is on at 10 %, with one npub denied; every kind of change has its rule."""
    told = {"actor": OLGA, "reason": "r", "now": now - timedelta(days=2)}
    for environment in ("staging", "pre-production"):
        rollout.change(KEY, environment, StateChange(enabled=True, percentage=90), **told)
    segments.define("eu", "production", name="EU", conditions=_of("DE"), **told)
    targeting.set_targeting(KEY, "production", IN_EU, **told)
    rollout.change(KEY, "production", StateChange(enabled=True, percentage=10), **told)
    lists.edit_deny_list(KEY, "production", add=["npub1bad"], **told)
    flag = flag_selectors.flags().get(key=KEY)
    steps = [as_playbook(f"1.{n}", 1, n, share) for n, share in enumerate((10, 50, 100), start=1)]
    RampTemplate.objects.create(key="slow", name="Slow", flag=flag, steps=steps)
    rules(promotion={}, targeting={}, parameters={})
    return now


def _of(country: str) -> list[dict[str, Any]]:
    return [{"attribute": "country", "op": "in", "values": [country]}]


def picture() -> tuple[Any, ...]:
    """All that a change could have changed."""
    states = flag_selectors.states("production")
    return (
        [(state.flag.key, state.enabled, state.percentage, state.parameters, state.targeting) for state in states],
        [(state.allow_count, state.deny_count, state.version, state.flag.version) for state in states],
        list(segments.Segment.objects.values_list("key", "conditions")),
        approval_rules.as_dict("production"),
        list(Ramp.objects.values_list("state", "position")),
        flag_selectors.configuration_versions()["production"],
    )


def held_ramp(now: datetime) -> int:
    """A ramp as it was left before there were rules: its first step taken, then rolled back, and held."""
    ramp = Ramp.objects.create(
        template_key="slow",
        name="Slow",
        flag=flag_selectors.flags().get(key=KEY),
        environment=flag_selectors.state(KEY, "production").environment,
        state="held",
        position=2,
        starts_at=now,
        started_by="olga",
        soaking_since=now,
        followed_event=events.recent().latest("id").pk,
    )
    for position, share in enumerate((10, 50, 100), start=1):
        taken = now if position < 3 else None
        about = {"due_at": now + timedelta(days=position), "monitoring": "standard", "soak": 0, "taken_at": taken}
        ramp.steps.create(position=position, label=f"1.{position}", percentage=share, **about)
    return ramp.pk


def moving_ramp(now: datetime) -> int:
    ramp_id = held_ramp(now)
    Ramp.objects.filter(pk=ramp_id).update(state="running", base_enabled=True, base_percentage=10, position=1)
    Ramp.objects.get(pk=ramp_id).steps.filter(position=2).update(taken_at=None)
    return ramp_id


def slices(now: datetime) -> None:
    """Three raises by what one person may do at a time."""
    for percentage in (25, 30, 45):
        rollout.set_rollout(KEY, "production", percentage, actor=OLGA, reason="a bit more", now=now)


def after_an_emergency(now: datetime) -> None:
    rollout.set_rollout(KEY, "production", 30, actor=OLGA, reason="r", now=now)
    emergency.emergency_disable(KEY, "production", actor=OLGA, reason="fire", now=now)
    rollout.change(KEY, "production", StateChange(enabled=True, percentage=30), actor=OLGA, reason="r", now=now)


def by_disabling_first(now: datetime) -> None:
    rollout.disable(KEY, "production", actor=OLGA, reason="r", now=now)
    rollout.set_rollout(KEY, "production", 80, actor=OLGA, reason="off, so nobody has it", now=now)
    rollout.enable(KEY, "production", actor=OLGA, reason="r", now=now)


def list_of_a_disabled_flag(now: datetime) -> None:
    lists.edit_allow_list(OTHER, "production", add=NPUBS, actor=OLGA, reason="off", now=now)
    rollout.enable(OTHER, "production", actor=OLGA, reason="r", now=now)


def undo_of_a_lowering(now: datetime) -> None:
    raised = ChangeRequest.objects.count()
    rollout.set_rollout(KEY, "production", 2, actor=OLGA, reason="r", now=now)
    request = undo.undo(events.recent().latest("id").pk, actor=OLGA, reason="r", now=now)
    assert request is None  # 8 points: fewer than the rule
    emergency.emergency_disable(KEY, "production", actor=OLGA, reason="r", now=now)
    assert undo.undo(events.recent().latest("id").pk, actor=OLGA, reason="r", now=now) is not None
    assert ChangeRequest.objects.count() == raised + 1
    rollout.enable(KEY, "production", actor=OLGA, reason="r", now=now)
    rollout.set_rollout(KEY, "production", 25, actor=OLGA, reason="r", now=now)


def who(now: datetime) -> dict[str, Any]:
    return {"actor": OLGA, "reason": "r", "now": now}


SERVICES: dict[str, Callable[[datetime], Any]] = {
    "a raise": lambda now: rollout.set_rollout(KEY, "production", 31, **who(now)),
    "many flags": lambda now: bulk.change(
        [KEY, OTHER], "production", StateChange(enabled=True, percentage=60), **who(now)
    ),
    "a raise in slices": slices,
    "an enable after an emergency": after_an_emergency,
    "a raise while it is off": by_disabling_first,
    "an allow-list": lambda now: lists.edit_allow_list(KEY, "production", add=NPUBS, **who(now)),
    "an allow-list while it is off": list_of_a_disabled_flag,
    "a freed npub": lambda now: lists.edit_deny_list(KEY, "production", remove=["npub1bad"], **who(now)),
    "parameters": lambda now: rollout.set_parameters(KEY, "production", {"a": 1}, **who(now)),
    "targeting": lambda now: targeting.set_targeting(KEY, "production", {}, **who(now)),
    "a segment": lambda now: segments.define("eu", "production", name="EU", conditions=_of("US"), **who(now)),
    "other buckets": lambda now: definition.change(KEY, DefinitionChange(bucketing="murmur3"), **who(now)),
    "a promotion": lambda now: promotion.promote([KEY], "pre-production", "production", **who(now)),
    "a promotion out of order": lambda now: promotion.promote(
        [KEY], "staging", "production", waiver="we are late", **who(now)
    ),
    "the start of a ramp": lambda now: starting.start("slow", "production", **who(now)),
    "a step before its time": lambda now: steering.advance(moving_ramp(now), **who(now)),
    "a resume": lambda now: steering.resume(held_ramp(now), **who(now)),
    "looser rules": lambda now: rules_service.define("production", {}, **who(now)),
    "an undo": undo_of_a_lowering,
}


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_lets_one_person_do_it_and_each_says_what_to_ask_for(name: str, now: datetime) -> None:
    with pytest.raises(ApprovalNeeded) as refused:
        SERVICES[name](now)
    assert refused.value.environment == "production"
    request_id = asking.ask("production", refused.value.changes, title="t", reason="r", actor=OLGA, now=now)
    request = selectors.get(int(request_id.rstrip("/").split("/")[-2]))
    before = picture()
    for person in (ANNA, BEN)[: request.needed]:
        approve(request, person, now=now)
    applying.apply(request.pk, actor=OLGA, now=now)
    assert picture() != before


REST: dict[str, tuple[str, str, dict[str, Any]]] = {
    "a raise": ("post", f"flags/{KEY}/rollout", {"percentage": 80}),
    "an enable": ("post", f"flags/{OTHER}/enable", {}),
    "parameters": ("post", f"flags/{KEY}/parameters", {"parameters": {"a": 1}}),
    "an allow-list": ("patch", f"flags/{KEY}/allow-list", {"add": NPUBS}),
    "the start of a ramp": ("post", "ramps", {"template": "slow"}),
}


@pytest.mark.parametrize("name", REST)
def test_a_token_is_refused_with_the_body_of_the_request_to_post(name: str, now: datetime) -> None:
    _, text = tokens.create("pipeline", "production", ["operate"], actor=OLGA, now=now)
    rollout.set_rollout(OTHER, "production", 50, **who(now))
    api = Client(HTTP_AUTHORIZATION=f"Bearer {text}")
    method, path, body = REST[name]
    before = picture()
    sent = json.dumps({"reason": "by the pipeline", **body})
    reply = getattr(api, method)(f"/api/v1/{path}", sent, content_type="application/json")
    assert (reply.status_code, reply["Content-Type"]) == (409, "application/problem+json")
    assert picture() == before

    approval = reply.json()["approval"]
    assert (approval["approvals"], approval["request"]["method"]) == (1, "POST")
    assert approval["request"]["body"]["reason"] == "by the pipeline"
    asked = api.post(approval["request"]["href"], json.dumps(approval["request"]["body"]), "application/json")
    assert asked.status_code == 201, asked.content
    approve(selectors.get(asked.json()["id"]), ANNA, now=now)
    applied = api.post(f"/api/v1/requests/{asked.json()['id']}/apply", content_type="application/json")
    assert (applied.status_code, applied.json()["state"]) == (200, "applied")
    assert picture() != before


SHELL: dict[str, list[str]] = {
    "a raise": ["flag", "set", KEY, "--environment", "production", "--percentage", "80"],
    "an enable": ["flag", "enable", OTHER, "--environment", "production"],
    "an allow-list": ["flag", "allow", KEY, "--environment", "production", "--add", *NPUBS],
    "a promotion": ["flag", "promote", KEY, "--from", "pre-production", "--to", "production"],
    "the start of a ramp": ["ramp", "start", "slow", "--environment", "production"],
}


@pytest.mark.parametrize("name", SHELL)
def test_the_shell_refuses_says_how_to_ask_and_asks(name: str, now: datetime) -> None:
    rollout.set_rollout(OTHER, "production", 50, **who(now))
    before, command = picture(), [*SHELL[name], "--reason", "by hand"]
    with pytest.raises(CommandError, match="repeat this with --request TITLE"):
        call_command(*command)
    out = StringIO()
    call_command(*command, "--request", "As agreed", stdout=out)
    assert picture() == before
    request = ChangeRequest.objects.get()
    assert (request.title, request.reason, request.requested_by_kind) == ("As agreed", "by hand", "command")
    assert f"/approvals/changerequest/{request.pk}/" in out.getvalue()


def test_a_load_is_refused_and_loads_nothing_past_the_rules(now: datetime) -> None:
    text = as_yaml(export()).replace("rolloutPercentage: 10\n", "rolloutPercentage: 95\n")
    playbook, source = load_text(text, file="book.yaml")
    loading.load(*load_text(as_yaml(export()), file="book.yaml"), actor=OLGA, now=now, file="book.yaml")
    before = picture()
    with pytest.raises(PlaybookError, match=r"book.yaml:\d+: .*Load it with --request"):
        loading.load(playbook, source, actor=OLGA, now=now, file="book.yaml")
    assert picture() == before


WAYS_DOWN: dict[str, Callable[[datetime], Any]] = {
    "an emergency disable": lambda now: emergency.emergency_disable(KEY, "production", **who(now)),
    "a rollback": lambda now: emergency.roll_back(KEY, "production", **who(now)),
    "a disable": lambda now: rollout.disable(KEY, "production", **who(now)),
    "fewer": lambda now: rollout.set_rollout(KEY, "production", 1, **who(now)),
    "a denied npub": lambda now: lists.edit_deny_list(KEY, "production", add=["npub1x"], **who(now)),
    "stricter rules": lambda now: rules_service.define(
        "production", approval_rules.as_dict("production") | {"raise": {"above": 1, "approvals": 3}}, **who(now)
    ),
    "a rollback of a ramp": lambda now: steering.roll_back(moving_ramp(now), **who(now)),
}


@pytest.mark.parametrize("name", WAYS_DOWN)
def test_the_ways_down_ask_nobody(name: str, now: datetime) -> None:
    WAYS_DOWN[name](now)


def test_other_environments_have_rules_of_their_own(now: datetime) -> None:
    rollout.change(KEY, "development", StateChange(enabled=True, percentage=100), **who(now))


def _to(file: Path, percentage: int) -> str:
    file.write_text(json.dumps([{"kind": "flag.state", "flag": KEY, "payload": {"percentage": percentage}}]))
    return str(file)


def test_the_command_asks_shows_applies_and_withdraws(tmp_path: Path, now: datetime) -> None:
    file = tmp_path / "changes.json"
    about = ["--environment", "production", "--title", "Sixty", "--reason", "r"]
    opened = ["request", "open", *about, "--changes", _to(file, 60)]

    def run(*command: str) -> Any:
        out = StringIO()
        call_command(*command, "--json", stdout=out)
        return json.loads(out.getvalue())

    asked = run(*opened)
    assert (asked["state"], asked["needed"], asked["rules"][0][:14]) == ("open", 1, "In Production,")
    assert [row["id"] for row in run("request", "list")] == [asked["id"]]
    run("request", "comment", str(asked["id"]), "please look")
    with pytest.raises(CommandError, match="0 of the 1 approvals"):
        call_command("request", "apply", str(asked["id"]))
    approve(selectors.get(asked["id"]), ANNA, now=datetime.now(tz=now.tzinfo))
    assert run("request", "apply", str(asked["id"]))["state"] == "applied"
    assert run("request", "list") == []

    with pytest.raises(CommandError, match="at most 366 days ahead"):
        call_command(*opened, "--at", "2099-01-01T09:00", "--zone", "Europe/Berlin")
    again = run(*opened[:-1], _to(file, 90))
    assert run("request", "withdraw", str(again["id"]), "--reason", "no")["closed_reason"] == "no"
    file.write_text('[{"flag": "x"}]')
    with pytest.raises(CommandError, match="must be a list of changes"):
        call_command(*opened)
    file.write_text("{")
    with pytest.raises(CommandError, match="is no JSON"):
        call_command(*opened)
