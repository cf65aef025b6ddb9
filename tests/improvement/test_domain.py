"""What is taken, what is refused, and what ratings add up to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Invalid
from improvement.domain import draft
from improvement.domain.actions import read_origin
from improvement.domain.feedback import Given, checked, read_tags
from improvement.domain.future import CheckKind, Progress, read_phase
from improvement.domain.lines import (
    read_deliverables,
    read_prerequisites,
    write_deliverables,
    write_prerequisites,
)
from improvement.domain.satisfaction import satisfaction
from improvement.domain.survey_words import WORDS
from nctool_rollout.playbook.validation import load_text

PHASE = {
    "title": "Enhanced Features v2.1",
    "timeline": "3 months",
    "objectives": ["Expand: monitoring # really", 'Say "yes"'],
    "prerequisites": [{"text": "Complete current rollout", "check": "plan", "of": "production"}],
    "risks": {"technical": "MEDIUM", "operational": "LOW", "business": "LOW"},
}


@pytest.mark.parametrize(
    ("said", "field"),
    [
        (Given("gossip", "x"), "kind"),
        (Given("user", ""), "text"),
        (Given("user", "x" * 5_001), "text"),
        (Given("user", "a\0b"), "text"),
        (Given("user", "\ud800"), "text"),
        (Given("user", "x", "codeQuality"), "aspect"),
        (Given("technical", "x", "colour"), "aspect"),
        (Given("user", "x", rating=0), "rating"),
        (Given("user", "x", rating=6), "rating"),
        (Given("user", "x", rating=True), "rating"),
        (Given("user", "x", key="k" * 101), "key"),
    ],
)
def test_feedback_that_cannot_be_kept_is_refused_at_its_field(said: Given, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked(said)
    assert refused.value.field == field


def test_a_rating_without_words_is_enough_and_markup_stays_what_it_is() -> None:
    assert checked(Given("user", rating=5)).rating == 5
    assert checked(Given("user", " <b>no</b>\r\n ")).text == "<b>no</b>"


def test_tags_are_small_sorted_and_each_there_once() -> None:
    assert read_tags(["Slow  pages", "slow pages", "", "API"]) == ["api", "slow pages"]


@pytest.mark.parametrize("origin", ["feedback:12\n", "feedback", ":3", "feedback:", "<b>:1"])
def test_an_origin_is_a_subject_of_events(origin: str) -> None:
    assert read_origin("alert:High error rate")
    assert read_origin("") == ""
    with pytest.raises(Invalid):
        read_origin(origin)


@given(st.dictionaries(st.integers(1, 5), st.integers(1, 500)))
def test_satisfaction_lies_within_its_interval_and_never_beyond_what_can_be_rated(counts: dict[int, int]) -> None:
    found = satisfaction(counts)
    assert found.n == sum(counts.values())
    if not counts:
        assert (found.mean, found.low, found.high) == (None, None, None)
        return
    ratings = [rating for rating, count in counts.items() for _ in range(count)]
    assert found.mean == pytest.approx(sum(ratings) / len(ratings))
    assert 1 <= found.low <= found.mean + 1e-9 <= found.high + 2e-9 <= 5 + 2e-9
    assert found.high - found.low > 0, "also when all say the same"


@given(st.dictionaries(st.integers(1, 5), st.integers(1, 50), min_size=1))
def test_ten_times_the_answers_are_surer(counts: dict[int, int]) -> None:
    few, many = satisfaction(counts), satisfaction({rating: 10 * count for rating, count in counts.items()})
    assert many.high - many.low < few.high - few.low


WORD = st.text("abc d", min_size=1, max_size=12).map(str.strip).filter(bool)


@given(st.lists(st.tuples(WORD, st.sampled_from(list(Progress)))))
def test_deliverables_come_back_from_their_lines(given_: list[tuple[str, Progress]]) -> None:
    rows = [{"text": text, "state": state.value} for text, state in given_]
    assert read_deliverables(write_deliverables(rows)) == rows


def test_prerequisites_come_back_from_their_lines_and_a_wrong_line_is_named() -> None:
    rows = [
        {"text": "Complete it", "check": "plan", "of": "production"},
        {"text": "Calm", "check": "incidents", "of": ""},
        {"text": "Think", "check": CheckKind.SAID.value, "of": ""},
    ]
    assert read_prerequisites(write_prerequisites(rows)) == rows
    with pytest.raises(Invalid, match="Line 3"):
        read_prerequisites("One\n\nTwo :: guess")
    with pytest.raises(Invalid, match="Line 1"):
        read_prerequisites(":: plan production")


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": ""},
        {"title": "Two\nlines"},
        {"risks": {"technical": "MEDIUM"}},
        {"prerequisites": [{"text": "Flag", "check": "flag", "of": "atomic"}]},
        {"prerequisites": [{"text": "Ask", "check": "feedback", "of": "many"}]},
        {"prerequisites": [{"text": "Ask", "check": "feedback", "of": "9" * 5_000}]},
        {"prerequisites": [{"text": f"p{number}"} for number in range(31)]},
        {"prerequisites": [{"text": "p"}, {"text": "p"}]},
    ],
)
def test_a_phase_that_cannot_be_planned_is_refused(wrong: dict[str, object]) -> None:
    assert read_phase(PHASE).as_dict()["title"] == PHASE["title"]
    with pytest.raises(Invalid):
        read_phase({**PHASE, **wrong})


@pytest.mark.parametrize("more", [{}, {"title": 'A: "b" #c', "prerequisites": [], "timeline": ""}])
def test_the_draft_of_a_next_phase_is_a_right_playbook_that_says_the_same(more: dict[str, object]) -> None:
    wanted = {**PHASE, **more}
    playbook = load_text(draft.playbook("enhanced-features-v2-1", wanted), file="draft.yaml")[0]
    kept = playbook.next_phases["enhanced-features-v2-1"]
    assert (kept.phase, kept.objectives) == (wanted["title"], wanted["objectives"])
    assert [one.text for one in kept.prerequisites] == [one["text"] for one in wanted["prerequisites"]]


def test_the_survey_says_the_same_in_every_language() -> None:
    assert {frozenset(words) for words in WORDS.values()} == {frozenset(WORDS["en"])}
