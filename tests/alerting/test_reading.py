"""Conditions, durations, templates and rule files: what is read, and how what is wrong is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.domain import durations, rulefile, templates
from alerting.domain.conditions import to_expr
from alerting.domain.matchers import read as read_matchers
from core.errors import Invalid

PLAYBOOKS = Path(__file__).parents[2] / "playbooks"
UNITS = {
    "error_rate": "%",
    "avg_response_time": "ms",
    "atomic_transaction_failures": "",
    "high_severity_discrepancies": "",
    "throughput": "TPS",
    "error_resolution_time": "s",
    "feature_error_rate": "%",
    "migration_errors": "",
}


@pytest.mark.parametrize(
    ("condition", "expr"),
    [
        ("error_rate > 1%", "error_rate > 1"),
        ("error_rate>0.5", "error_rate > 0.5"),
        ("avg_response_time > 3s", "avg_response_time > 3000"),
        ("avg_response_time >= 250ms", "avg_response_time >= 250"),
        ("error_resolution_time > 15m", "error_resolution_time > 900"),
        ("throughput < 10 TPS", "throughput < 10"),
        ("atomic_transaction_failures > 0", "atomic_transaction_failures > 0"),
        ('feature_error_rate{feature="a"} > 5%', 'feature_error_rate{feature="a"} > 5'),
    ],
)
def test_a_condition_is_read_with_the_unit_of_its_metric(condition: str, expr: str) -> None:
    assert to_expr(condition, UNITS) == expr


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("eror_rate > 1%", "Did you mean error_rate"),
        ("nothing_like_it > 1", "The catalogue lists"),
        ("error_rate > 3s", "not measured in s, but takes %"),
        ("atomic_transaction_failures > 1%", "it is a count"),
        ("error_rate", "A condition is like"),
        ("error_rate > 1% and x > 2", "A condition is like"),
    ],
)
def test_a_condition_that_makes_no_sense_is_refused(condition: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        to_expr(condition, UNITS)


@given(st.integers(0, durations.LONGEST))
def test_a_duration_is_written_as_it_is_read(total: int) -> None:
    assert durations.seconds(durations.text(total), field="for") == total


@pytest.mark.parametrize("text", ["", "5", "5x", "m5", "1m1h", "99d", "-5m"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        durations.seconds(text, field="for")


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{{ $labels.feature }} has {{ $value }} %", "atomic has 12.3456 %"),
        ("{{ .Labels.feature }}{{ .Labels.none }}", "atomic"),
        ('{{ $value | printf "%.1f" }} and {{ printf "%.2f" $value }}', "12.3 and 12.35"),
        ("{{ $value | humanize }}", "12.35"),
        ("{{ $value | humanizeDuration }}", "12.35s"),
        ("{{ $value | humanizePercentage }}", "1235%"),
        ("no part", "no part"),
    ],
)
def test_a_template_is_filled(text: str, filled: str) -> None:
    assert templates.fill(text, {"feature": "atomic"}, 12.3456) == filled


@pytest.mark.parametrize(
    "text", ['{{ query "up" }}', "{{ $labels }}", "{{ range . }}{{ end }}", "{{ $value | title }}", "{{ $value", "{{}}"]
)
def test_a_template_that_is_not_supported_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        templates.check(text, field="annotations")


def test_the_strategys_two_files_are_read_as_they_are_given() -> None:
    short = rulefile.read((PLAYBOOKS / "monitoring" / "alerts.yml").read_text(), UNITS)
    long = rulefile.read((PLAYBOOKS / "alerts" / "deployment.yml").read_text(), UNITS)
    found = [
        (rule.group, rule.name, rule.values["expr"], rule.values["for_seconds"], rule.values["severity"])
        for rule in [*short, *long]
    ]
    assert found == [
        ("alerts", "MeltOperationErrorRate", "error_rate > 1", 300, "critical"),
        ("alerts", "AtomicTransactionFailures", "atomic_transaction_failures > 0", 60, "critical"),
        ("alerts", "ReconciliationDiscrepancies", "high_severity_discrepancies > 0", 60, "high"),
        ("alerts", "ResponseTimeRegression", "avg_response_time > 3000", 600, "warning"),
        ("deployment_alerts", "DeploymentErrorRateHigh", "error_rate > 2", 300, "critical"),
        (
            "deployment_alerts",
            "FeatureRollbackRequired",
            'feature_error_rate{feature="atomicMeltOperations"} > 5',
            120,
            "critical",
        ),
        ("deployment_alerts", "DatabaseMigrationIssue", "migration_errors > 0", 60, "high"),
    ]
    assert long[0].values["annotations"] == {"summary": "Deployment error rate is high"}


BAD_FILE = """\
groups:
  - name: g
    interval: 10s
    colour: red
    rules:
      - alert: A
        expr: sum(
      - alert: B
        expr: rate(x[5m]) > 1
        for: soon
      - record: job:x
        expr: x
      - alert: C
        expr: avg_over_time(x[5m:1m]) > 1
        unknown: 1
      - alert: D
        expr: x > 1
        labels: { severity: terrible }
      - alert: E
        expr: x > 1
        annotations: { summary: '{{ query "x" }}' }
      - alert: F
        expr: x > 1
      - alert: F
        expr: x > 2
"""


def test_everything_that_is_wrong_is_told_at_once_with_its_line() -> None:
    with pytest.raises(rulefile.Unreadable) as refusal:
        rulefile.read(BAD_FILE, UNITS)
    told = {flaw.line: flaw.text for flaw in refusal.value.flaws}
    assert told.keys() == {4, 7, 10, 11, 14, 15, 18, 21, 24}
    for line, words in {
        4: "colour",
        7: "Not PromQL",
        10: "duration",
        11: "record job:x",
        14: "Subqueries",
        24: "line 22",
    }.items():
        assert words in told[line]


@pytest.mark.parametrize(
    "text", ["", "a: [", "alerts: 5", "other: 1", "- a", "groups:\n- 5", "alerts:\n- {}", "x" * 600_000]
)
def test_a_file_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(rulefile.Unreadable):
        rulefile.read(text, UNITS)


@pytest.mark.parametrize(
    "given",
    [
        [],
        "a",
        [{"name": "a", "op": "=", "value": ""}],
        [{"name": "a", "op": "=~", "value": ".*"}],
        [{"name": "a", "op": "~", "value": "x"}],
        [{"name": "a b", "op": "=", "value": "x"}],
        [{"name": "a", "op": "=~", "value": "(x+)+"}],
        [{"name": "a", "op": "=", "value": "x", "more": 1}],
    ],
)
def test_a_silence_of_everything_or_of_nothing_readable_is_refused(given: object) -> None:
    with pytest.raises(Invalid):
        read_matchers(given)
