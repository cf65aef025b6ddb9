"""Ramps of the playbook: what they may be, and that defining one twice is defining it once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest

from core import events
from core.actors import Actor
from core.errors import Invalid, NotFound
from flags.domain.bucketing import Bucketing
from flags.models import Flag
from rollouts.domain.template import RampStepSpec, flaws
from rollouts.models import RampTemplate
from rollouts.services import starting, templates

A, B, C = (
    RampStepSpec("5.1", week=5, day=1, percentage=Decimal(0), allow_list_only=True, parameters={"fallback": True}),
    RampStepSpec("5.2", week=5, day=3, percentage=Decimal(10)),
    RampStepSpec("5.3", week=5, day=5, percentage=Decimal(25)),
)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([A, B, C], []),
        ([], [("steps", "1 to 50 steps, not 0")]),
        ([A, replace(B, percentage=Decimal(30)), C], [("steps.2.percentage", "Goes back from 30 to 25 percent")]),
        ([A, replace(B, percentage=Decimal("2.5"))], [("steps.1.percentage", "lies between")]),
        ([A, replace(B, percentage=Decimal(101))], [("steps.1.percentage", "0 to 100 percent, not 101")]),
        ([A, replace(B, label="5.1")], [("steps.1.label", "the other is number 1")]),
        ([A, replace(B, day=1)], [("steps.1.day", "Week 5, day 1 is not after week 5, day 1")]),
        ([replace(A, day=8), replace(B, week=6)], [("steps.0.day", "from 1 to 7, not 8")]),
        ([replace(A, week=0)], [("steps.0.week", "not 0")]),
        ([replace(A, percentage=Decimal(5))], [("steps.0.percentage", "allow-list only")]),
        ([replace(A, parameters={"x": float("nan")})], [("steps.0.parameters", "must be JSON")]),
        ([replace(A, soak_seconds=-1)], [("steps.0.soak_seconds", "not -1")]),
        ([replace(A, label=" ")], [("steps.0.label", "1 to 40")]),
        (
            [replace(A, label=""), replace(B, percentage=Decimal(-1), day=1)],
            [
                ("steps.0.label", "1 to 40"),
                ("steps.1.percentage", "not -1"),
                ("steps.1.percentage", "Goes back"),
                ("steps.1.day", "is not after"),
            ],
        ),
    ],
)
def test_every_flaw_of_a_ramp_is_told_with_its_place(
    steps: list[RampStepSpec], expected: list[tuple[str, str]]
) -> None:
    found = flaws(steps, Bucketing.JS31)
    assert [flaw.path for flaw in found] == [path for path, _ in expected]
    for flaw, (_, words) in zip(found, expected, strict=True):
        assert words in flaw.message


def test_a_template_that_is_defined_again_writes_nothing_and_a_new_one_leaves_started_ramps_alone(
    flag: Flag, operator_actor: Actor, now: datetime
) -> None:
    who = {"actor": operator_actor, "reason": "playbook", "now": now}
    first = templates.define("phased", name="Phased", flag_key=flag.key, steps=[A, B], **who)
    assert templates.define("phased", name="Phased", flag_key=flag.key, steps=[A, B], **who).pk == first.pk
    assert [RampStepSpec.from_dict(step) for step in first.steps] == [A, B]
    ramp = starting.start("phased", "staging", **who)

    templates.define("phased", name="Phased", flag_key=flag.key, steps=[A, B, C], **who)
    assert len(RampTemplate.objects.get().steps) == 3
    assert ramp.steps.count() == 2
    kinds = events.about("ramp_template:phased").values_list("kind", flat=True)
    assert list(kinds) == ["ramp_template.changed", "ramp_template.created"]


@pytest.mark.parametrize(
    ("over", "error", "field"),
    [
        ({"flag_key": "atomicMelt"}, NotFound, None),
        ({"key": "a b"}, Invalid, "key"),
        ({"name": " "}, Invalid, "name"),
        ({"steps": [B, A]}, Invalid, "steps.1.percentage"),
    ],
)
def test_a_refused_template_changes_nothing(
    over: dict[str, object], error: type[Exception], field: str | None, flag: Flag, operator_actor: Actor, now: datetime
) -> None:
    given = {"key": "phased", "name": "Phased", "flag_key": flag.key, "steps": [A, B], **over}
    before = events.recent().count()
    with pytest.raises(error) as refusal:
        templates.define(given.pop("key"), **given, actor=operator_actor, reason="playbook", now=now)
    assert getattr(refusal.value, "field", None) == field
    assert (RampTemplate.objects.count(), events.recent().count()) == (0, before)
