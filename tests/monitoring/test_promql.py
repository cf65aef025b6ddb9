"""Our evaluator against the answers of a real Prometheus, and what it refuses."""

from __future__ import annotations

import importlib.util
import json
import math
import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import Invalid
from monitoring.domain.promql import Line, TooMuch, evaluate, parse
from monitoring.domain.promql.values import NAME, labels_of

DATA = Path(__file__).parents[1] / "data"
_spec = importlib.util.spec_from_file_location("record_promql", DATA / "record_promql.py")
assert _spec
assert _spec.loader
recorder = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(recorder)
ANSWERS = json.loads((DATA / "promql.json").read_text())


class Series:
    """The recorded series, as a storage."""

    def __init__(self, found: dict[str, list[tuple[int, float]]]) -> None:
        self.lines: dict[str, list[Line]] = {}
        for text, points in found.items():
            name, _, rest = text.partition("{")
            labels = dict(pair.split("=") for pair in rest.rstrip("}").split(",") if pair)
            named = {NAME: name, **{key: value.strip('"') for key, value in labels.items()}}
            line = Line(labels_of(named), [at for at, _ in points], [value for _, value in points])
            self.lines.setdefault(name, []).append(line)

    def select(self, name: str, start: float, end: float) -> list[Line]:
        return self.lines.get(name, [])


STORAGE = Series(recorder.series())


def same(ours: float, theirs: str) -> bool:
    return (math.isnan(ours) and theirs == "NaN") or ours == pytest.approx(float(theirs), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("expression", ANSWERS)
def test_an_expression_has_the_value_that_prometheus_gives_it(expression: str) -> None:
    for at, theirs in zip(recorder.INSTANTS, ANSWERS[expression], strict=True):
        ours = evaluate(parse(expression), STORAGE, at)
        if isinstance(theirs, str):
            assert same(ours, theirs), at
            continue
        expected = {tuple(map(tuple, labels)): value for labels, value in theirs}
        assert ours.keys() == expected.keys(), at
        assert all(same(value, expected[labels]) for labels, value in ours.items()), at


@pytest.mark.skipif("PROMETHEUS" not in os.environ, reason="PROMETHEUS names no program")
def test_the_prometheus_of_this_machine_still_answers_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "HERE", tmp_path)
    recorder.main(os.environ["PROMETHEUS"], os.environ["PROMTOOL"])
    assert json.loads((tmp_path / "promql.json").read_text()) == ANSWERS


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("", "Not PromQL"),
        ("sum(", "Not PromQL"),
        ("rate(g)", "expected type"),
        ("avg_over_time(g[5m:1m])", "Subqueries"),
        ("g @ 5", "modifier @"),
        ('label_join(g, "a", "b", "c", "d")', "label_join is not supported"),
        ("predict_linear(g[5m], 60)", "predict_linear is not supported"),
        ('count_values("v", g)', "count_values is not supported"),
        ('{host="a"}', "Name the metric"),
        ('g{host=~"(a+)+b"}', "repeats or refers to a group"),
        ('g{host=~"("}', "Not PromQL|cannot be read"),
        (f'g{{host=~"{"a" * 201}"}}', "at most 200"),
        ("g offset 1y", "at most 31 days"),
        ("rate(g[2y])", "at most 31 days"),
        ("g[5m]", "A range alone"),
        ("x+" * 5000 + "x", "at most 2,000 characters"),
        ("(" * 60 + "g" + ")" * 60, "at most 50 brackets"),
        ('"text"', "text alone"),
        ("c_total + on(host) g", "Several series"),
        ("g + on(host) c_total", "Several series"),
        ("sum(g) by (host) + {}", "Not PromQL"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(expression: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        evaluate(parse(expression), STORAGE, recorder.INSTANTS[3])


@settings(max_examples=150)
@given(st.text(max_size=60) | st.text('g{}()[]=~!"5m+-*/, sumrateby>', max_size=40))
def test_whatever_is_typed_is_read_or_refused_and_never_breaks(text: str) -> None:
    with suppress(Invalid):
        evaluate(parse(text), STORAGE, recorder.INSTANTS[3])


def test_who_asks_for_too_much_is_told() -> None:
    many = range(150_000)
    storage = Series({f'm{{i="{i}"}}': [(at, 1.0) for at in many] for i in range(14)})
    with pytest.raises(TooMuch, match="ask for less"):
        evaluate(parse("sum(sum_over_time(m[10d]))"), storage, 150_000)
