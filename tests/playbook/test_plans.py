"""The plan of a playbook: whole, exported, and told with its line where it leads nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings

from nctool_rollout.playbook.export import as_yaml, export
from nctool_rollout.playbook.planning import document_of
from nctool_rollout.playbook.problems import PlaybookError
from nctool_rollout.playbook.validation import load_text
from plans.domain.template import PlanSpec
from plans.selectors import templates
from tests.playbook.conftest import Load, edited

PLAN = """\
plans:
  small:
    name: Small
    phases:
      first:
        name: First
        weeks: [1, 2]
        activities: [{item: Deploy}]
        criteria: [{item: It is done, check: {ramp: slow}}, {item: On, check: {flag: sending}}]
        ramps: [slow]
        features: [sending]
        needs: {checklists: [before]}
    checklists:
      before: {title: Before, kind: before, items: [{item: Reviewed}]}
      later: {title: Later, kind: after, opensAfter: first.activities, dueAfterHours: 2, items: [{item: Look}]}
triggers:
"""


@pytest.mark.django_db
def test_a_plan_is_loaded_exported_and_loaded_to_the_same(load: Load) -> None:
    load(edited(("triggers:\n", PLAN)))
    assert [row.key for row in templates()] == ["small"]
    assert load(as_yaml(export())) == {}


@pytest.mark.parametrize(
    ("before", "after", "path", "words"),
    [
        ("ramp: slow}}", "ramp: fast}}", "phases.first.criteria.0.check", "There is no ramp 'fast'"),
        ("flag: sending}}", "flag: sendin}}", "phases.first.criteria.1.check", "There is no feature 'sendin'"),
        ("{flag: sending}", "{colour: red}", "phases.first.criteria.1.check", "There is no check 'colour'"),
        ("{flag: sending}", "{rule: 'sum('}", "phases.first.criteria.1.check", "Not PromQL"),
        ("ramps: [slow]", "ramps: [fast]", "phases.first.ramps.0", "There is no ramp 'fast'"),
        ("weeks: [1, 2]", "weeks: [2, 1]", "phases.first.weeks", "The first and the last week"),
        ("checklists: [before]}", "checklists: [befor]}", "phases.first.needs.checklists", "no checklist 'befor'"),
        ("opensAfter: first.activities", "opensAfter: later", "checklists.later.opensAfter", "no other checklist"),
        (
            "dueAfterHours: 2",
            "opensAfterHours: 3, dueAfterHours: 2",
            "checklists.later.dueAfterHours",
            "after it opens",
        ),
    ],
)
def test_what_leads_nowhere_is_told_with_its_line(before: str, after: str, path: str, words: str) -> None:
    assert PLAN.count(before) == 1, before
    with pytest.raises(PlaybookError) as refusal:
        load_text(edited(("triggers:\n", PLAN.replace(before, after))), file="x.yaml")
    (problem,) = refusal.value.problems
    assert ".".join(map(str, problem.path)) == f"plans.small.{path}"
    assert words in problem.message
    assert problem.line > 1


def test_nctool_s_plan_has_every_checklist_of_the_strategy_in_its_size() -> None:
    file = Path(settings.BASE_DIR) / "playbooks" / "nctool-v2.yaml"
    playbook, _ = load_text(file.read_text(), file=file.name)
    (plan,) = (PlanSpec.read(document_of(row)) for row in playbook.plans.values())
    assert [(phase.name, phase.first, phase.last) for phase in plan.phases] == [
        ("Infrastructure Deployment", 1, 1),
        ("Database Migration", 2, 2),
        ("Enhanced Error Handling", 3, 3),
        ("Pre-flight Reconciliation", 4, 4),
        ("Atomic Melt Operations", 5, 6),
    ]
    assert {row.key: len(row.items) for row in plan.checklists if "." not in row.key} == {
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
    }
