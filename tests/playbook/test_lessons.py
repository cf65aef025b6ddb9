"""Lessons, the next phase and the roadmap of a playbook keep their keys, whatever people make of them on screen."""

from __future__ import annotations

from datetime import datetime

import pytest

from core.actors import Actor
from improvement.selectors import lessons as learnt
from improvement.services import lessons
from nctool_rollout.playbook.export import as_yaml, export
from nctool_rollout.playbook.problems import PlaybookError
from nctool_rollout.playbook.validation import load_text
from tests.playbook.conftest import SMALL, Load
from tests.playbook.test_loading import NCTOOL

LOW = "riskAssessment: {technical: LOW, operational: LOW, business: LOW}"


@pytest.mark.django_db
def test_a_lesson_that_was_reworded_is_exported_under_its_key_and_stays_one(
    load: Load, operator_actor: Actor, now: datetime
) -> None:
    load(NCTOOL.read_text())
    row = learnt.of_playbooks()[0]
    given = {**lessons.as_dict(row), "text": "Gradual rollouts " + "really " * 30 + "help"}
    lessons.change(row.pk, given, actor=operator_actor, now=now)
    assert load(as_yaml(export())) == {}
    assert learnt.of_playbooks().count() == 24


@pytest.mark.django_db
def test_a_retired_lesson_is_not_exported(load: Load, operator_actor: Actor, now: datetime) -> None:
    load(NCTOOL.read_text())
    row = learnt.of_playbooks()[0]
    lessons.retire(row.pk, actor=operator_actor, reason="No longer so", now=now)
    assert row.text not in as_yaml(export())
    load(NCTOOL.read_text())
    assert learnt.get(row.pk).retired_at is not None


@pytest.mark.django_db
@pytest.mark.parametrize(
    "part",
    [
        "lessons: {technical: {successes: [原子交易, 回滚]}}",
        f"nextPhases: {{Enhanced_2: {{phase: F, {LOW}}}}}",
        "roadmap: {Q1_2026_of_the_second_roadmap: {focus: F}}",
    ],
)
def test_what_is_valid_can_be_loaded(load: Load, part: str) -> None:
    load(SMALL)
    made = load(f"{SMALL}{part}\n")
    assert {item[0] for item in made} == {part.partition(":")[0]}


@pytest.mark.parametrize(
    ("part", "why"),
    [
        ("lessons: {technical: {successes: [One thing, One thing!]}}", "says the same as 'One thing'"),
        (f"nextPhases: {{a: {{phase: F, {LOW}, prerequisites: [{{text: b}}, {{text: b}}]}}}}", "say the same"),
        (r'roadmap: {a: {focus: "F\nG"}}', "focus"),
    ],
)
def test_what_cannot_be_loaded_is_told_with_its_line(part: str, why: str) -> None:
    with pytest.raises(PlaybookError, match=why) as told:
        load_text(f"{SMALL}{part}\n", file="small.yaml")
    assert "small.yaml:" in str(told.value)
