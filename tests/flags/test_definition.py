"""What a flag is: made and changed in one place, and never under the feet of those who use it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from core import beside, environments, events
from core.actors import Actor
from core.asking import ApprovalNeeded
from core.errors import Conflict, Invalid, StaleVersion
from flags import selectors
from flags.domain.change import StateChange
from flags.domain.definition import DefinitionChange
from flags.domain.permit import Permit
from flags.models import ApprovalRule, Flag, FlagState, Usage
from flags.services import archiving, definition, rollout
from tests.racing import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("all_environments")]
KEY = "checkout"
COLOURS = [{"key": "red", "value": "#f00"}, {"key": "blue", "value": "#00f"}]


@pytest.fixture
def who(operator_actor: Actor, now: datetime) -> dict[str, Any]:
    return {"actor": operator_actor, "reason": "tests", "now": now}


@pytest.fixture
def checkout(who: dict[str, Any]) -> Flag:
    return definition.create(KEY, DefinitionChange(name="Checkout"), **who)


def define(who: dict[str, Any], **fields: Any) -> Flag:
    return definition.change(KEY, DefinitionChange(**fields), **who)


def test_a_new_flag_is_off_everywhere_salted_and_told_once(checkout: Flag) -> None:
    states = selectors.states().filter(flag=checkout)
    assert [(state.enabled, state.percentage) for state in states] == [(False, 0)] * 4
    assert (checkout.bucketing, len(checkout.salt), checkout.value_type) == ("murmur3", 16, "boolean")
    event = events.about(f"flag:{KEY}").get()
    assert (event.kind, event.after) == (
        "flag.created",
        {"name": "Checkout", "value_type": "boolean", "bucketing": "murmur3"},
    )


@pytest.mark.parametrize(
    ("key", "fields", "field", "words"),
    [
        ("a b", {"name": "x"}, "key", "letters, digits"),
        ("ok", {"name": " "}, "name", "needs a name"),
        ("ok", {"name": "x" * 121}, "name", "at most 120"),
        ("ok", {"name": "two\nlines"}, "name", "one line"),
        ("ok", {"name": "x", "description": "\x00"}, "description", "cannot be stored"),
        ("ok", {"name": "x", "value_type": "date"}, "value_type", "boolean or string or number or json"),
        ("ok", {"name": "x", "value_type": "string"}, "variants", "at least two variants"),
        ("ok", {"name": "x", "value_type": "number", "variants": COLOURS}, "variants", "'red' must be a number"),
        ("ok", {"name": "x", "value_type": "string", "variants": [*COLOURS, COLOURS[0]]}, "variants", "there twice"),
        (
            "ok",
            {"name": "x", "value_type": "string", "variants": [{"key": "a/b", "value": ""}] * 2},
            "variants",
            "1 to 100",
        ),
        (
            "ok",
            {"name": "x", "value_type": "string", "variants": COLOURS, "value_schema": {"maxLength": 3}},
            "variants",
            "variant 'red'",
        ),
        (
            "ok",
            {
                "name": "x",
                "value_type": "json",
                "variants": [{"key": k, "value": {"a": "x" * 2**20}} for k in "ab"],
            },
            "variants",
            "at most 16384",
        ),
        ("ok", {"name": "x", "bucketing": "js31", "group": "g"}, "group", "js31 flags share"),
        ("ok", {"name": "x", "parameter_schema": {"pattern": "(a+)+$"}}, "parameter_schema", "take for ever"),
        (
            "ok",
            {"name": "x", "value_schema": {"$ref": "http://169.254.169.254/"}},
            "value_schema",
            "stands on its own",
        ),
        ("ok", {"name": "x", "parameter_schema": {"minumum": 1}}, "parameter_schema", "minumum: is no keyword"),
        ("ok", {"name": "x", "parameter_schema": {"type": "txt"}}, "parameter_schema", "type: 'txt'"),
        ("ok", {"name": "x", "parameter_schema": {"required": ["a"]}}, "parameters", "'a' is a required"),
    ],
)
def test_a_bad_definition_names_its_field_and_makes_nothing(
    key: str, fields: dict[str, Any], field: str, words: str, who: dict[str, Any]
) -> None:
    with pytest.raises(Invalid, match=words) as refusal:
        definition.create(key, DefinitionChange(**fields), **who)
    assert refusal.value.field == field
    assert not Flag.objects.exists()


def test_a_property_may_be_called_pattern(checkout: Flag, who: dict[str, Any]) -> None:
    flag = define(who, parameter_schema={"properties": {"pattern": {"type": "string"}, "$ref": {"type": "string"}}})
    assert "pattern" in flag.parameter_schema["properties"]


def test_a_key_is_used_once_also_by_an_archived_flag(checkout: Flag, who: dict[str, Any]) -> None:
    archiving.archive(KEY, **who)
    with pytest.raises(Conflict, match="may be archived"):
        definition.create(KEY, DefinitionChange(name="Again"), **who)


def test_parameters_are_checked_by_the_schema_on_every_change(checkout: Flag, who: dict[str, Any]) -> None:
    schema = {
        "properties": {
            "severityThreshold": {"enum": ["HIGH", "MEDIUM", "LOW"]},
            "transactionTimeout": {"type": "integer", "minimum": 1000, "maximum": 60_000},
        },
        "additionalProperties": False,
    }
    define(who, parameter_schema=schema)
    for parameters, words in (
        ({"severityThreshold": "SOME"}, "severityThreshold must be one of HIGH, MEDIUM, LOW, not"),
        ({"transactionTimeout": 60_001}, "transactionTimeout must be at most 60000, not 60001"),
        ({"transactionTimeout": True}, "must be of type integer"),
        ({"timeout": 1}, "cannot have 'timeout'; known are severityThreshold, transactionTimeout"),
    ):
        for change in (StateChange(parameters=parameters), StateChange(patch=parameters)):
            with pytest.raises(Invalid, match=words) as refusal:
                rollout.change(KEY, "staging", change, **who)
            assert refusal.value.field == "parameters"
    rollout.set_parameters(KEY, "staging", {"severityThreshold": "LOW"}, **who)
    with pytest.raises(Invalid, match="parameters in Staging do not fit"):
        define(who, parameter_schema={"properties": {"severityThreshold": {"enum": ["HIGH"]}}})


def test_a_type_changes_only_while_nobody_is_served(checkout: Flag, who: dict[str, Any]) -> None:
    rollout.enable(KEY, "staging", **who)
    with pytest.raises(Conflict, match="enabled in Staging: disable it there"):
        define(who, value_type="string", variants=COLOURS)
    rollout.disable(KEY, "staging", **who)
    assert define(who, value_type="string", variants=COLOURS).version == 2


def test_a_variant_in_use_cannot_be_left_out(checkout: Flag, who: dict[str, Any]) -> None:
    define(who, value_type="string", variants=[*COLOURS, {"key": "green", "value": "#0f0"}])
    FlagState.objects.filter(flag=checkout, environment__key="staging").update(
        targeting={"rules": [{"when": [], "percentage": 10, "serve": [["green", 50], ["blue", 50]]}]}
    )
    with pytest.raises(Conflict, match="'green' is in use in Staging"):
        define(who, variants=COLOURS)
    other = definition.create("other", DefinitionChange(name="Other"), **who)
    FlagState.objects.filter(flag__key=KEY).update(targeting={})
    FlagState.objects.filter(flag=other, environment__key="production").update(
        targeting={"prerequisites": [{"flag": KEY, "variants": ["green"]}]}
    )
    with pytest.raises(Conflict, match="'green' is in use by other in Production"):
        define(who, variants=COLOURS)


def test_buckets_stay_while_something_moves_the_flag(
    checkout: Flag, who: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "_movers", [lambda keys, where: {KEY: "ramp 7 (held)"} if where == "staging" else {}])
    with pytest.raises(Conflict, match=r"ramp 7 \(held\) moves checkout in Staging"):
        define(who, bucketing="js31")
    define(who, name="Another name")


def test_buckets_of_0_01_percent_do_not_become_whole_percents_under_a_fraction(
    checkout: Flag, who: dict[str, Any]
) -> None:
    rollout.set_rollout(KEY, "staging", "12.5", **who)
    with pytest.raises(Conflict, match="In Staging: This flag moves in steps of 1"):
        define(who, bucketing="js31")


@pytest.mark.parametrize(
    ("fields", "percentage", "asks"),
    [
        ({"group": "payments"}, 25, True),
        ({"group": "payments"}, 100, False),
        ({"description": "More"}, 25, False),
        ({"variants": [{"key": "new", "value": True}, {"key": "old", "value": False}]}, 100, True),
    ],
)
def test_what_people_would_notice_passes_the_gate_of_each_environment(
    checkout: Flag, who: dict[str, Any], fields: dict[str, Any], percentage: int, asks: bool
) -> None:
    rollout.change(KEY, "production", StateChange(enabled=True, percentage=percentage), **who)
    ApprovalRule.objects.create(environment=environments.get("production"), kind="targeting")
    if not asks:
        assert define(who, **fields).version == 2
        return
    with pytest.raises(ApprovalNeeded) as needed:
        define(who, **fields)
    change = needed.value.changes[0]
    assert (needed.value.environment, change.kind, dict(change.payload)) == ("production", "flag.definition", fields)
    permit = Permit("request", 3)
    definition.change(KEY, DefinitionChange.from_dict(change.payload), permit=permit, **who)
    assert len(permit.needs) == 1
    event = events.about(f"flag:{KEY}").first()
    assert event is not None
    assert (event.kind, event.data["request"]) == ("flag.definition_changed", 3)
    assert set(event.data["configurations"]) == {"development", "staging", "pre-production", "production"}


@pytest.mark.parametrize("values", [(True, True), (False, True), (False, False)])
def test_a_boolean_flag_at_0_percent_gives_nobody_true(checkout: Flag, who: dict[str, Any], values: Any) -> None:
    variants = [{"key": key, "value": value} for key, value in zip(("on", "off"), values, strict=True)]
    with pytest.raises(Invalid, match="which must be true; everybody else gets 'off', which must be false"):
        define(who, variants=variants)


def test_values_cannot_be_swapped_past_the_rules_while_the_flag_is_off(checkout: Flag, who: dict[str, Any]) -> None:
    define(who, value_type="string", variants=COLOURS)
    rollout.set_parameters(KEY, "production", {"a": 1}, **who)
    ApprovalRule.objects.create(environment=environments.get("production"), kind="targeting")
    swapped = [{"key": COLOURS[0]["key"], "value": COLOURS[1]["value"]}, COLOURS[1]]
    with pytest.raises(ApprovalNeeded, match="the targeting of checkout changes"):
        define(who, variants=swapped)


def test_of_two_with_the_same_version_the_second_is_told(checkout: Flag, who: dict[str, Any]) -> None:
    definition.change(KEY, DefinitionChange(name="One"), version=1, **who)
    with pytest.raises(StaleVersion, match="you saw version 1, it is now 2"):
        definition.change(KEY, DefinitionChange(name="Two"), version=1, **who)


def test_an_unknown_field_of_a_definition_is_named() -> None:
    with pytest.raises(Invalid, match="no colour"):
        DefinitionChange.from_dict({"colour": "red"})


def test_a_flag_is_archived_once_it_is_off_and_nobody_asks(checkout: Flag, who: dict[str, Any], now: datetime) -> None:
    rollout.change(KEY, "staging", StateChange(enabled=True, percentage=1), **who)
    with pytest.raises(Conflict, match="It is on in Staging"):
        archiving.archive(KEY, force=True, **who)
    rollout.disable(KEY, "staging", **who)
    Usage.objects.create(
        environment=environments.get("production"),
        flag_key=KEY,
        variant="off",
        reason="DISABLED",
        source="server",
        at=now,
        count=1200,
    )
    with pytest.raises(Conflict, match="asked for 1,200 times in Production in the last 7 days"):
        archiving.archive(KEY, **who)
    archiving.archive(KEY, force=True, **who)
    assert not selectors.states().exists()
    assert selectors.configurations(selectors.configuration_marks(), {})["production"].flags == ()
    for command in (rollout.enable, definition.change):
        arguments = (KEY, "staging") if command is rollout.enable else (KEY, DefinitionChange(name="x"))
        with pytest.raises(Conflict, match="is archived: restore it first"):
            command(*arguments, **who)
    archiving.restore(KEY, **who)
    assert [event.kind for event in events.about(f"flag:{KEY}")][:2] == ["flag.restored", "flag.archived"]
    assert not selectors.state(KEY, "staging").enabled


def test_a_flag_that_others_need_is_not_archived(checkout: Flag, who: dict[str, Any]) -> None:
    other = definition.create("other", DefinitionChange(name="Other"), **who)
    FlagState.objects.filter(flag=other, environment__key="staging").update(
        targeting={"prerequisites": [{"flag": KEY, "variants": ["on"]}]}
    )
    with pytest.raises(Conflict, match="other needs it in Staging"):
        archiving.archive(KEY, **who)


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
def test_of_two_who_make_the_same_flag_one_does(operator_actor: Actor, now: datetime) -> None:
    who = {"actor": operator_actor, "reason": "race", "now": now}
    results = at_once(*[lambda: definition.create("twin", DefinitionChange(name="Twin"), **who)] * 4)
    assert sum(isinstance(result, Flag) for result in results) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 3
