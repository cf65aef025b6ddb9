"""Every mistake in a playbook is told with its line and what was expected, all of them at once."""

from __future__ import annotations

import pytest

from nctool_rollout.playbook.problems import PlaybookError
from nctool_rollout.playbook.source import MAX_BYTES
from nctool_rollout.playbook.validation import load_text
from tests.playbook.conftest import SMALL, edited


def problems(text: str) -> list[tuple[int, str, str]]:
    try:
        load_text(text, file="x.yaml")
    except PlaybookError as error:
        return [(found.line, ".".join(map(str, found.path)), found.message) for found in error.problems]
    return []


def line(words: str, text: str = SMALL) -> int:
    """The number of the only line that has these words."""
    found = [number for number, content in enumerate(text.splitlines(), start=1) if words in content]
    assert len(found) == 1, words
    return found[0]


def test_the_small_playbook_is_right() -> None:
    assert problems(SMALL) == []


# What is changed in SMALL, the words that mark the line of the error, its path, and what it says.
MISTAKES = {
    "a mistyped key": (
        ("environments:\n  lab", "enviroments:\n  lab"),
        "enviroments:",
        "enviroments",
        "no such key here. Did you mean 'environments'? Known: playbook, name,",
    ),
    "a mistyped key inside": (
        ("rolloutPercentage: 10", "rolloutPercent: 10"),
        "rolloutPercent: 10",
        "environments.live.flags.sending.rolloutPercent",
        "Did you mean 'rolloutPercentage'?",
    ),
    "a zone that is none": (
        ("    name: Live\n", "    name: Live\n    zone: Europe/Bonn\n"),
        "zone: Europe/Bonn",
        "environments.live.zone",
        "There is no time zone 'Europe/Bonn'. Name one as IANA does",
    ),
    "a python name is no key": (
        ("windowSeconds: 10\n", "window_seconds: 10\n"),
        "window_seconds: 10",
        "triggers.errors.window_seconds",
        "Did you mean 'windowSeconds'?",
    ),
    "a step that goes back": (
        ("day: 3, percentage: 100", "day: 3, percentage: 15"),
        "percentage: 15",
        "ramps.slow.steps.1.percentage",
        "Goes back from 20 to 15 percent",
    ),
    "hours that are none": (
        ("    flag: sending\n    steps:", '    flag: sending\n    hours: {from: "9", to: "17:00"}\n    steps:'),
        'hours: {from: "9"',
        "ramps.slow.hours",
        "`from` is a time of day like 09:00",
    ),
    "a day that is none": (
        (
            "    flag: sending\n    steps:",
            '    flag: sending\n    hours: {from: "09:00", to: "17:00", days: [someday]}\n    steps:',
        ),
        "someday",
        "ramps.slow.hours.days.0",
        "Expected one of mon, tue",
    ),
    "a percentage between the steps of the flag": (
        ("week: 1, percentage: 20", "week: 1, percentage: 12.5"),
        "percentage: 12.5",
        "ramps.slow.steps.0.percentage",
        "steps of 1 percent (js31); 12.5 lies between",
    ),
    "the same at the start": (
        ("rolloutPercentage: 10", "rolloutPercentage: 0.5"),
        "rolloutPercentage: 0.5",
        "environments.live.flags.sending.rolloutPercentage",
        "0.5 lies between",
    ),
    "a parameter that its schema does not take": (
        (
            "        limits: {daily: 5}",
            "        limits: {daily: 5}\n      parameterSchema: {properties: {threshold: {const: 1}}}",
        ),
        "      parameters:",
        "deploymentConfig.features.sending.parameters",
        "threshold is not as its schema says",
    ),
    "a schema with a regular expression": (
        ("bucketing: js31", "bucketing: js31\n      parameterSchema: {pattern: (a+)+$}"),
        "parameterSchema",
        "deploymentConfig.features.sending.parameterSchema",
        "pattern: is not taken: regular expressions can take for ever",
    ),
    "values of another type": (
        (
            "bucketing: js31",
            "bucketing: js31\n      type: string\n      variants: [{key: a, value: 1}, {key: b, value: x}]",
        ),
        "variants",
        "deploymentConfig.features.sending.variants",
        "The value of variant 'a' must be a text",
    ),
    "an alert over a metric that is not in the catalogue": (
        ("triggers:\n", "alerts:\n  - {name: A, condition: eror_rate > 1%, severity: critical}\ntriggers:\n"),
        "eror_rate",
        "alerts.0.condition",
        "There is no metric eror_rate",
    ),
    "an alert group with a subquery": (
        (
            "triggers:\n",
            "alertGroups:\n  - name: g\n    rules:\n      - alert: A\n        expr: max_over_time(x[5m:1m]) > 1\n"
            "        labels: {severity: high}\ntriggers:\n",
        ),
        "max_over_time",
        "alertGroups.0.rules.0.expr",
        "Subqueries are not supported",
    ),
    "a metric with a query that is none": (
        (
            "triggers:\n",
            "metrics:\n  m: {title: M, meaning: m, group: g, owner: o, query: 'sum('}\ntriggers:\n",
        ),
        "sum(",
        "metrics.m.query",
        "Not PromQL",
    ),
    "two labels alike": (
        ('label: "1.2"', 'label: "1.1"'),
        "day: 3",
        "ramps.slow.steps.1.label",
        "Two steps are called '1.1'; the other is number 1.",
    ),
    "steps out of order": (
        ("day: 3", "day: 1"),
        "day: 1",
        "ramps.slow.steps.1.day",
        "Week 1, day 1 is not after week 1, day 1",
    ),
    "an unknown flag in a ramp": (
        ("name: Slow\n    flag: sending", "name: Slow\n    flag: sendign"),
        "sendign",
        "ramps.slow.flag",
        "no flag 'sendign' in this playbook. Did you mean 'sending'?",
    ),
    "an unknown flag in a trigger": (
        ("target: flag\n    flag: sending", "target: flag\n    flag: receiving"),
        "receiving",
        "triggers.errors.flag",
        "no flag 'receiving' in this playbook. It has: sending.",
    ),
    "an unknown flag in an environment": (
        ("flags:\n      sending", "flags:\n      seding"),
        "seding",
        "environments.live.flags.seding",
        "Did you mean 'sending'?",
    ),
    "an unknown environment": (
        ("environments: [live]", "environments: [lab, liev]"),
        "liev",
        "triggers.errors.environments.1",
        "no environment 'liev' in this playbook. Did you mean 'live'?",
    ),
    "a window that is no multiple of ten": (
        ("windowSeconds: 10\n", "windowSeconds: 15\n"),
        "windowSeconds: 15",
        "triggers.errors.windowSeconds",
        "Expected a whole number from 10 to 3600 in steps of 10, found 15.",
    ),
    "a text that is a number": (
        ('label: "1.1"', "label: 1.1"),
        "label: 1.1",
        "ramps.slow.steps.0.label",
        'Expected text of 1 to 40 characters, found 1.1. Put it in quotes: "1.1".',
    ),
    "a choice that is none": (
        ("measure: ratio", "measure: ration"),
        "measure: ration",
        "triggers.errors.measure",
        "Expected one of ratio, mean, count, distinct, drop, rise, canary, start, "
        "found \"ration\". Did you mean 'ratio'?",
    ),
    "a word for true": (
        ("protected: true", "protected: yes"),
        "protected: yes",
        "environments.live.protected",
        'Expected true or false, found "yes". Write true.',
    ),
    "too much": (
        ("rolloutPercentage: 10", "rolloutPercentage: 101"),
        "rolloutPercentage: 101",
        "environments.live.flags.sending.rolloutPercentage",
        "Expected a number from 0 to 100, found 101.",
    ),
    "no number": (
        ("threshold: 5", "threshold: .nan"),
        ".nan",
        "triggers.errors.threshold",
        "A number, not .nan.",
    ),
    "an empty part": (
        ("      parameters:\n        threshold: HIGH\n        limits: {daily: 5}", "      parameters:"),
        "parameters:",
        "deploymentConfig.features.sending.parameters",
        "Expected a mapping, found nothing.",
    ),
    "another format": (("playbook: 1", "playbook: 2"), "playbook: 2", "playbook", "Expected 1, found 2."),
    "a key that is no key": (
        ("  lab:", "  my lab:"),
        "my lab",
        "environments.my lab",
        "'my lab' cannot be a key here",
    ),
    "an npub twice": (
        ("[npub1a, npub1b]", "[npub1a, npub1a]"),
        "npub1a",
        "deploymentConfig.features.sending.allowedUsers.1",
        "npub1a stands in this list twice.",
    ),
    "a key twice": (
        ("  lab:\n    name: Lab", "  lab:\n    name: Lab\n    name: Laboratory"),
        "Laboratory",
        "environments.lab.name",
        "Stands here twice; the other one is in line 15.",
    ),
    "flags from two places": (
        ("protected: true", "protected: true\n    sameFlagsAs: lab"),
        "sameFlagsAs",
        "environments.live.sameFlagsAs",
        "Leave this out, or the flags",
    ),
    "flags from nowhere": (
        ("name: Lab", "name: Lab\n    sameFlagsAs: mars"),
        "sameFlagsAs",
        "environments.lab.sameFlagsAs",
        "There is no environment 'mars' in this playbook. It has: lab, live.",
    ),
}


@pytest.mark.parametrize("mistake", list(MISTAKES))
def test_a_mistake_is_told_with_its_line_its_path_and_what_was_expected(mistake: str) -> None:
    change, mark, path, words = MISTAKES[mistake]
    text = edited(change)
    found = problems(text)
    told = [problem for problem in found if problem[1] == path and words in problem[2]]
    assert told, found
    assert told[0][0] == line(mark, text)
    if mistake not in ("a mistyped key", "a python name is no key"):  # there the right key is missing too
        assert len(found) == 1, found


def test_what_is_missing_is_told_where_it_should_stand() -> None:
    text = edited(("      bucketing: js31\n", ""))
    assert problems(text) == [
        (6, "deploymentConfig.features.sending.bucketing", "Is missing here; expected one of js31, murmur3.")
    ]
    text = edited(('    denominator: {metric: all_total, labels: {variant: "on"}}\n', ""))
    [(number, path, _)] = problems(text)
    assert (number, path) == (line("errors:", text), "triggers.errors.denominator")
    text = edited(("windowSeconds: 10\n", "windowSeconds: 600\n"))
    [(number, path, words)] = problems(text)
    assert (number, path) == (line("maxWindowSeconds", text), "triggers.errors.maxWindowSeconds")
    assert "At least the window itself, 600 s" in words


def test_all_mistakes_are_told_at_once_in_the_order_of_their_lines() -> None:
    text = edited(
        ("bucketing: js31", "bucketing: js32"),
        ("name: Lab", "nmae: Lab"),
        ("day: 3, percentage: 100", "day: 3, percentage: 15"),
        ("environments: [live]", "environments: [liev]"),
        ("minSamples: 20", "minSamples: -1"),
    )
    found = problems(text)
    assert [path for _, path, _ in found] == [
        "deploymentConfig.features.sending.bucketing",
        "environments.lab.name",
        "environments.lab.nmae",
        "triggers.errors.minSamples",
    ]
    assert [number for number, _, _ in found] == sorted(number for number, _, _ in found)
    # The ramp needs the bucketing and the trigger is broken itself; with those mended the rest comes out together.
    text = text.replace("js32", "js31").replace("minSamples: -1", "minSamples: 1")
    assert [path for _, path, _ in problems(text)] == [
        "environments.lab.name",
        "environments.lab.nmae",
        "ramps.slow.steps.1.percentage",
        "triggers.errors.environments.0",
    ]


@pytest.mark.parametrize(
    ("text", "number", "words"),
    [
        ("", 1, "The file is empty"),
        ("# nothing\n", 1, "The file is empty"),
        ("playbook: 1\nname: [a\nb: c\n", 3, "This is not YAML"),
        ("playbook: 1\n\tname: x\n", 2, "This is not YAML"),
        ("playbook: 1\nname: &x small\ndescription: *x\n", 2, "Anchors and aliases"),
        ("playbook: 1\nname: *x\n", 2, "Anchors and aliases"),
        ("a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b, *b]\n", 1, "Anchors and aliases"),
        ("playbook: 1\n---\nplaybook: 1\n", 2, "one document"),
        ("playbook: 1\nname: !!python/object:os.system x\n", 2, "Tags"),
        ("playbook: 1\n? [a, b]\n: x\n", 2, "A key is text"),
        ("playbook: 1\nname: " + "[" * 3000, 2, "Nested more than 20 levels deep"),
        ("- 1\n- 2\n", 1, "Expected a mapping, found a list of 2"),
        ("just words", 1, 'Expected a mapping, found "just words"'),
        ("x" * (MAX_BYTES + 1), 1, "at most 256 KiB"),
        ("playbook: 1\nname: \x07\n", 2, "This is not YAML"),
    ],
)
def test_what_is_no_playbook_at_all_is_told_with_its_line(text: str, number: int, words: str) -> None:
    found = problems(text)
    assert any(words in message and at == number for at, _, message in found), found
