"""Rule groups that a Prometheus evaluates: loaded, exported, and checked against the sources of the file."""

from __future__ import annotations

import pytest

from alerting.models import AlertRule
from nctool_rollout.playbook.export import as_yaml, export
from nctool_rollout.playbook.problems import PlaybookError
from nctool_rollout.playbook.validation import load_text
from tests.playbook.conftest import Load, edited

GROUP = """\
sources:
  prom: {name: Theirs, kind: prometheus, url: "http://prometheus:9090", environments: [live]}
  alive: {name: Health, kind: probe, url: "http://nctool:3000/health", environments: [live]}
alertGroups:
  - name: theirs
    environments: [live]
    source: prom
    rules:
      - alert: Filling
        expr: max_over_time(deriv(disk_free_bytes[1h])[6h:5m]) < 0
        labels: {severity: high}
  - name: ours
    environments: [live]
    rules:
      - alert: Failing
        expr: rate(failures_total[5m]) > 1
        labels: {severity: high}
triggers:
"""


@pytest.mark.django_db
def test_a_group_with_a_source_is_loaded_exported_and_loaded_to_the_same(load: Load) -> None:
    load(edited(("triggers:\n", GROUP)))
    assert dict(AlertRule.objects.values_list("name", "source")) == {"Filling": "prom", "Failing": ""}
    assert load(as_yaml(export())) == {}


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("source: prom", "source: pram", "There is no Prometheus 'pram' among the sources"),
        ("source: prom", "source: alive", "There is no Prometheus 'alive'"),
        ("environments: [live]\n    source", "environments: [lab, live]\n    source", "prom is no source of lab."),
        ("    source: prom\n", "", "Subqueries are not supported"),
        ("disk_free_bytes[1h])", "disk_free_bytes[1h)", "Not PromQL"),
    ],
)
def test_what_cannot_be_evaluated_is_told(before: str, after: str, words: str) -> None:
    text = edited(("triggers:\n", GROUP.replace(before, after, 1)))
    with pytest.raises(PlaybookError) as refusal:
        load_text(text, file="x.yaml")
    (problem,) = refusal.value.problems
    assert words in problem.message
    assert problem.path[0] == "alertGroups"
