"""Targeting as a form holds it: nothing is lost on the way there and back, and nothing typed is too strange."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Invalid
from flags.domain import wording
from flags.domain.conditions import OPERATORS
from flags.domain.draft import SPLIT, Draft, of_fields, of_targeting, place_of, targeting_of
from flags.domain.targeting import check_targeting
from flags.domain.values import same
from flags.templatetags.draft import place_words

VARIANTS = ("red", "green", "blue")
names = st.text("abcdefgh", min_size=1, max_size=6)
texts = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=12)
numbers = st.integers(-(2**40), 2**40) | st.floats(-1e6, 1e6).map(lambda number: round(number, 4))
percents = st.integers(0, 10_000).map(lambda hundredths: hundredths / 100)
VALUES = {
    "number": st.lists(numbers, min_size=1, max_size=1),
    "semver": st.just(["2.1.0-rc.1"]),
    "time": st.just(["2025-08-11T09:00:00+02:00"]),
}


@st.composite
def serves(draw: st.DrawFn) -> Any:
    if draw(st.booleans()):
        return draw(st.sampled_from(VARIANTS))
    order = draw(st.permutations(VARIANTS))
    share = draw(st.integers(0, 100))
    return [[order[0], share], [order[1], 100 - share]]


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    if draw(st.integers(0, 3)) == 0:
        return {draw(st.sampled_from(["segment", "not_segment"])): "beta"}
    op = draw(st.sampled_from(list(OPERATORS)))
    kind = op.partition("_")[0] if op not in ("before", "after") else "time"
    if op == "prefix":
        values = draw(st.lists(texts, min_size=1, max_size=3))
    else:
        values = draw(VALUES.get(kind, st.lists(texts | numbers | st.booleans(), min_size=1, max_size=3)))
    return {"attribute": draw(names), "op": op, "values": values[: OPERATORS[op].most]}


@st.composite
def targetings(draw: st.DrawFn) -> dict[str, Any]:
    rules = []
    for name in draw(st.lists(names, max_size=3, unique=True)):
        rule = {"name": name, "when": draw(st.lists(conditions(), min_size=1, max_size=3))}
        more = {"percentage": draw(percents), "serve": draw(serves())}
        rules.append(rule | {part: more[part] for part in draw(st.sets(st.sampled_from(list(more))))})
    found: dict[str, Any] = {"rules": rules, "prerequisites": [{"flag": "other", "variants": ["on", "off"]}]}
    more = {"serve": draw(serves()), "off": draw(st.sampled_from(VARIANTS))}
    return found | {part: more[part] for part in draw(st.sets(st.sampled_from(list(more))))}


def checked(data: object) -> dict[str, Any]:
    known = {"other": ["on", "off"]}
    return check_targeting(data, variants=VARIANTS, known_flags=known, segments=["beta"])


def posted(draft: Draft) -> dict[str, str]:
    """What a browser sends of this draft."""
    found = {"serve": draft.serve, "off": draft.off}
    found |= {f"weight.{variant}": text for variant, text in draft.weights.items()}
    for needed in draft.prerequisites:
        found |= {f"{needed.path}.flag": needed.flag, f"{needed.path}.variants": needed.variants}
    for rule in draft.rules:
        found |= {f"{rule.path}.{part}": getattr(rule, part) for part in ("name", "percentage", "serve")}
        found |= {f"{rule.path}.weight.{variant}": text for variant, text in rule.weights.items()}
        for when in rule.when:
            if when.segment is not None:
                found |= {f"{when.path}.segment": when.segment, f"{when.path}.outside": "yes" if when.outside else ""}
            else:
                parts = ("attribute", "op", "type", "values")
                found |= {f"{when.path}.{part}": getattr(when, part) for part in parts}
    return found


@given(targetings())
def test_what_is_stored_comes_back_from_the_form_unchanged_and_every_rule_has_its_words(data: dict[str, Any]) -> None:
    stored = checked(data)
    found, wrong = targeting_of(of_fields(posted(of_targeting(stored)), VARIANTS))
    assert not wrong
    assert same(_whole(checked(found)), _whole(stored))
    assert all(wording.rule(rule, serve="red", off="blue") for rule in stored.get("rules", ()))


def _whole(value: Any) -> Any:
    """5.0 as 5: one number in JSON."""
    if isinstance(value, dict):
        return {key: _whole(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_whole(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@given(
    st.dictionaries(st.text(st.characters(codec="utf-8")) | st.from_regex(r"rules\[\d{1,3}\]\.when\[\d\]\.\w+"), texts)
)
def test_whatever_is_posted_is_read_or_told_at_a_place(fields: dict[str, str]) -> None:
    found, wrong = targeting_of(of_fields(fields, VARIANTS))
    if not wrong:
        with suppress(Invalid):
            checked(found)


@pytest.mark.parametrize(
    ("fields", "place", "words"),
    [
        ({"rules[0].percentage": "many"}, "rules[0].percentage", "from 0 to 100"),
        ({"rules[0].serve": SPLIT, "rules[0].weight.red": "half"}, "rules[0].serve", "no percent"),
        (
            {"rules[1].name": "b", "rules[4].when[7].op": "number_ge", "rules[4].when[7].values": "3\nx"},
            "rules[1].when[0].values",
            "'x' cannot be read as number",
        ),
    ],
)
def test_what_cannot_be_read_is_told_at_its_field(fields: dict[str, str], place: str, words: str) -> None:
    _, wrong = targeting_of(of_fields(fields, VARIANTS))
    assert words in wrong[place]


@pytest.mark.parametrize(
    ("message", "place"),
    [
        ("rules[2].when[0].values[1]: in compares", "rules[2].when[0].values"),
        ("rules[0].serve[1][0]: There is no variant", "rules[0].serve"),
        ("serve: The percents add up to 90", "serve"),
        ("prerequisites[0].variants[0]: There", "prerequisites[0].variants"),
        ("targeting: 70,000 bytes are too many", "targeting"),
        ("Nothing of a place: at all", ""),
    ],
)
def test_a_refusal_leads_to_its_field(message: str, place: str) -> None:
    assert place_of(message)[0] == place


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (
            {
                "name": "EU",
                "when": [{"attribute": "country", "op": "in", "values": ["DE", "FR"]}, {"not_segment": "staff"}],
            },
            "Where country is one of DE, FR and not in segment staff: they get on.",
        ),
        (
            {"name": "x", "when": [{"attribute": "n", "op": "number_ge", "values": [3]}], "percentage": 12.5},
            "Where n ≥ 3: 12.5 % of them get on, the others off.",
        ),
        (
            {
                "name": "x",
                "when": [{"attribute": "targetingKey", "op": "prefix", "values": ["npub1a"]}],
                "serve": [["a", 25], ["b", 75]],
            },
            "Where the npub begins with npub1a: they get 25 % a, 75 % b.",
        ),
        (
            {"name": "x", "when": [{"attribute": "v", "op": "equals", "values": ["1"]}], "percentage": 0},
            'Where v is "1": they get off.',
        ),
        (
            {"name": "x", "when": [{"attribute": "c", "op": "not_in", "values": list("abcdefgh")}]},
            "Where c is none of a, b, c, d, e and 3 more: they get on.",
        ),
    ],
)
def test_rules_in_words(data: dict[str, Any], words: str) -> None:
    assert wording.rule(data, serve="on", off="off") == words


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("rules[0].when[1].op", "Rule 1, condition 2, comparison"),
        ("prerequisites[9].variants", "Prerequisite 10, variants"),
        ("off", "What all others get"),
        ("conditions[0].values", "Condition 1, values"),
    ],
)
def test_a_place_in_words_as_the_form_shows_it(place: str, words: str) -> None:
    assert place_words(place) == words
