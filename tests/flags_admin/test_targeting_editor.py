"""The targeting editor: what is typed is never lost, every mistake stands at its field, and rules ask for approval."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from approvals.models import ChangeRequest
from core import environments
from core.actors import Actor
from flags.models import ApprovalRule, Flag, FlagState, SeenUnit
from flags.services import segments, targeting

State = Callable[..., FlagState]
HTMX = {"HX-Request": "true"}
RULE = {
    "rules[0].name": "EU",
    "rules[0].percentage": "",
    "rules[0].serve": "",
    "rules[0].when[0].attribute": "country",
    "rules[0].when[0].op": "in",
    "rules[0].when[0].values": "DE\nFR",
    "rules[0].when[0].type": "text",
}
STORED = {"rules": [{"name": "EU", "when": [{"attribute": "country", "op": "in", "values": ["DE", "FR"]}]}]}


@pytest.fixture
def who(operator_actor: Actor, now: datetime) -> dict[str, Any]:
    return {"actor": operator_actor, "reason": "tests", "now": now}


@pytest.fixture
def send(client_as: Callable[[str], Client], state: State) -> Callable[..., Any]:
    client = client_as("operator")

    def post(fields: dict[str, str], *, htmx: bool = True, **more: Any) -> Any:
        row = state()
        form = {"version": row.version, "reason": "markets", "step": "save", **fields, **more}
        address = reverse("admin:flags_targeting_edit", args=[row.pk])
        return client.post(address, form, headers=HTMX if htmx else None)

    return post


def text(answer: Any) -> str:
    return str(answer.content.decode()).replace("&#x27;", "'")


def test_rules_are_saved_with_and_without_scripts(send: Callable[..., Any], state: State) -> None:
    done = send(RULE)
    assert done.headers["HX-Redirect"] == reverse("admin:flags_targeting", args=[state().pk])
    assert state().targeting == STORED
    more = {**RULE, "rules[0].percentage": "12", "rules[1].name": "All", "rules[1].when[0].op": "prefix"}
    more |= {"rules[1].when[0].attribute": "targetingKey", "rules[1].when[0].values": "npub1", "rules[1].serve": "off"}
    assert send(more, htmx=False).status_code == 302
    assert [rule["name"] for rule in state().targeting["rules"]] == ["EU", "All"]
    assert state().targeting["rules"][0]["percentage"] == 12


@pytest.mark.parametrize(
    ("do", "shown", "focus"),
    [
        ("rule.add", "rules[1].name", 'name="rules[1].name" autofocus'),
        ("when.add.0", "rules[0].when[1].attribute", 'name="rules[0].when[1].attribute" autofocus'),
        ("segment.add.0", "rules[0].when[1].segment", 'name="rules[0].when[1].segment" autofocus'),
        ("need.add", "prerequisites[0].flag", 'name="prerequisites[0].flag" autofocus'),
    ],
)
def test_a_button_adds_a_row_puts_the_focus_there_and_saves_nothing(
    send: Callable[..., Any], state: State, do: str, shown: str, focus: str
) -> None:
    found = text(send({**RULE, "reason": "half a reas"}, do=do))
    assert f'name="{shown}"' in found
    assert focus in found
    assert 'value="EU"' in found
    assert "half a reas" in found
    assert state().version == 1


def test_rules_change_their_order_and_go(send: Callable[..., Any]) -> None:
    two = {**RULE, "rules[1].name": "Second", "rules[1].when[0].attribute": "x"}
    moved = text(send(two, do="rule.down.0"))
    assert moved.index('value="Second"') < moved.index('value="EU"')
    assert 'value="EU"' not in text(send(two, do="rule.remove.0"))
    for strange in ("rule.down.9", "rule.up.x", "rule.up", "nonsense", "when.remove.0.7", "rule.remove.0.0"):
        assert 'value="EU"' in text(send(two, do=strange))


@pytest.mark.parametrize(
    ("wrong", "place", "told"),
    [
        ({"rules[0].name": ""}, "rules-0-name", "Give the rule a name"),
        ({"rules[0].percentage": "many"}, "rules-0-percentage", "Write a number from 0 to 100."),
        ({"rules[0].percentage": "12.5"}, "rules-0-percentage", "moves in steps of 1 percent"),
        ({"rules[0].when[0].attribute": ""}, "rules-0-when-0-attribute", "Name an attribute"),
        ({"rules[0].when[0].values": ""}, "rules-0-when-0-values", "it takes 1 to 500"),
        (
            {"rules[0].when[0].op": "semver_ge", "rules[0].when[0].values": "new"},
            "rules-0-when-0-values",
            "compares with a version",
        ),
        (
            {"rules[0].when[0].type": "number", "rules[0].when[0].values": "3\nx"},
            "rules-0-when-0-values",
            "'x' cannot be read as number",
        ),
        ({"rules[0].when[0].op": "regex"}, "rules-0-when-0-op", "There are no regular expressions"),
        (
            {"rules[0].serve": "…split", "rules[0].weight.on": "60", "rules[0].weight.off": "30"},
            "rules-0-serve",
            "The percents add up to 90, not to 100.",
        ),
        ({"prerequisites[0].flag": "nosuch"}, "prerequisites-0-flag", "There is no other flag 'nosuch'"),
    ],
)
def test_a_mistake_is_told_at_its_field_and_nothing_typed_is_lost(
    send: Callable[..., Any], state: State, wrong: dict[str, str], place: str, told: str
) -> None:
    for step in ("save", "check"):
        found = text(send({**RULE, **wrong}, step=step))
        assert f'aria-describedby="at-{place}-flaw"' in found
        flaw = found.split(f'id="at-{place}-flaw">')[1].split("<")[0]
        assert told in flaw
        kept = [value.split("\n")[0] for value in {**RULE, **wrong}.values() if value != "regex"]
        assert all(value in found for value in kept)
    assert state().version == 1


def test_a_check_tells_the_rules_in_words_and_who_is_affected_without_asking_for_a_reason(
    send: Callable[..., Any], state: State, flag: Flag, who: dict[str, Any], now: datetime
) -> None:
    where = environments.get("production")
    units = [SeenUnit(environment=where, unit=f"npub1{n}", seen_on=now.date()) for n in range(40)]
    SeenUnit.objects.bulk_create(units)
    FlagState.objects.filter(pk=state().pk).update(enabled=True)
    everybody = {"rules[0].when[0].attribute": "targetingKey", "rules[0].when[0].op": "prefix"}
    found = text(send({**RULE, **everybody, "rules[0].when[0].values": "npub1"}, step="check", reason=""))
    assert "Where the npub begins with npub1: they get on." in found
    assert '<strong class="ops-num">40</strong> get it' in found
    assert state().version == 1


def test_a_missing_reason_is_asked_for_where_it_is_needed(send: Callable[..., Any], state: State) -> None:
    assert "Say why" in text(send(RULE, reason=""))
    assert state().version == 1


def test_who_was_slower_sees_what_changed_and_keeps_every_rule(
    send: Callable[..., Any], state: State, flag: Flag, who: dict[str, Any]
) -> None:
    targeting.set_targeting(flag.key, "production", {"serve": "on"}, **who)
    found = text(send(RULE, version=1, seen=0))
    assert "This was changed by someone else while it was open." in found
    assert 'value="EU"' in found
    assert "HX-Redirect" in send(RULE).headers


def test_where_a_rule_asks_for_it_the_form_becomes_a_change_request(
    send: Callable[..., Any], state: State, flag: Flag
) -> None:
    ApprovalRule.objects.create(environment=environments.get("production"), kind="targeting")
    asked = text(send(RULE))
    assert "This needs the approval of" in asked
    assert 'value="ask"' in asked
    opened = send(RULE, step="ask")
    request = ChangeRequest.objects.get()
    assert str(request.pk) in opened.headers["HX-Redirect"]
    assert request.changes == [{"kind": "flag.targeting", "flag": flag.key, "payload": {"targeting": STORED}}]
    assert state().targeting == {}


def test_a_segment_is_chosen_from_those_of_the_environment(
    send: Callable[..., Any], state: State, who: dict[str, Any]
) -> None:
    conditions = STORED["rules"][0]["when"]
    segments.define("eu", "production", name="EU people", conditions=conditions, **who)
    segments.define("elsewhere", "staging", name="Not here", conditions=conditions, **who)
    shown = text(send(RULE, do="segment.add.0"))
    assert "EU people (eu)" in shown
    assert "elsewhere" not in shown
    chosen = {**RULE, "rules[0].when[1].segment": "eu", "rules[0].when[1].outside": "yes"}
    send(chosen)
    assert state().targeting["rules"][0]["when"][1] == {"not_segment": "eu"}


def test_targeting_that_is_too_large_for_a_form_is_edited_as_json(
    client_as: Callable[[str], Client], state: State, flag: Flag, who: dict[str, Any]
) -> None:
    when = [{"attribute": f"a{n}", "op": "equals", "values": [n]} for n in range(20)]
    rules = [{"name": f"r{n}", "when": when} for n in range(40)]
    targeting.set_targeting(flag.key, "production", {"rules": rules}, **who)
    page = client_as("operator").get(reverse("admin:flags_targeting_edit", args=[state().pk])).content.decode()
    assert "more conditions than a form can send" in page
    assert "rules[0].name" not in page
