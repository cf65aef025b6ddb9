"""The lists of the strategy are whole (seed: Pre-Deployment Preparation, Deployment Phases, Production Checklist)."""

from __future__ import annotations

from pathlib import Path

from nctool_rollout.playbook.validation import load_text
from plans.domain.template import PlanSpec

FILE = Path(__file__).parents[2] / "playbooks" / "nctool-v2.yaml"
COUNTS = {
    "code-preparation": 5,
    "documentation": 4,
    "code-and-configuration": 7,
    "infrastructure-and-monitoring": 7,
    "team-preparation": 6,
    "migration": 5,
    "deployment-steps": 8,
    "validation-steps": 8,
    "manual-validation": 4,
    "immediate-validation": 6,
    "short-term-monitoring": 6,
    "long-term-validation": 6,
    "infrastructure.activities": 4,
    "infrastructure.criteria": 4,
    "migration.activities": 2,
    "migration.criteria": 4,
}


def test_every_list_of_the_strategy_has_all_of_its_items() -> None:
    playbook, _ = load_text(FILE.read_text(), file=FILE.name)
    document = playbook.plans["nctool-2"].model_dump(mode="json", by_alias=True, exclude_none=True)
    found = {each.key: len(each.items) for each in PlanSpec.read(document).checklists}
    assert {key: found.get(key) for key in COUNTS} == COUNTS
    first_hours = {each.key: (each.opens, each.due) for each in PlanSpec.read(document).checklists if each.after}
    assert first_hours == {
        "immediate-validation": (0, 2),
        "short-term-monitoring": (2, 24),
        "long-term-validation": (24, 168),
    }
