"""What an alert says, and when a delivery is tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from communications.adapters import sandbox
from communications.domain import languages
from communications.domain.alerts import AlertType
from communications.domain.audiences import PUBLIC, Content
from communications.domain.delivery import MAX_TRIES, Failure, next_try, without_secrets
from communications.domain.message import Message, read_evidence
from communications.domain.wording import INTERNAL, sample
from communications.domain.wording import PUBLIC as OUTSIDE
from incidents.domain.states import IncidentState
from statuspage.domain.languages import LANGUAGES

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MESSAGE = Message(
    key="alert-7-1772442000",
    type=AlertType.FEATURE_ROLLBACK,
    feature="atomicMeltOperations",
    environment="production",
    reason="error rate\n20.1 % > 5 %",
    actor="guard",
    at=NOW,
    rollback_id="rb-20260302-090000-abcd1234",
    evidence=read_evidence({"trigger": "error-rate", "value": 20.123456, "samples": 50, "windows": [1, 2]}),
    link="https://rollout.example/admin/communications/alert/7/change/",
)


def test_an_alert_says_what_where_why_who_when_and_how_much() -> None:
    assert MESSAGE.text.splitlines() == [
        "[CRITICAL] ROLLBACK: atomicMeltOperations in production is off",
        "Feature: atomicMeltOperations",
        "Environment: production",
        "Reason: error rate 20.1 % > 5 %",
        "By: guard",
        "Rollback id: rb-20260302-090000-abcd1234",
        "Trigger: error-rate",
        "Value: 20.1235",
        "Samples: 50",
        "Time: 2026-03-02 09:00:00 UTC",
        "Details: https://rollout.example/admin/communications/alert/7/change/",
    ]


def test_an_alert_carries_the_fields_of_the_seed() -> None:
    assert MESSAGE.fields == {
        "type": "FEATURE_ROLLBACK",
        "feature": "atomicMeltOperations",
        "environment": "production",
        "reason": "error rate\n20.1 % > 5 %",
        "rollbackId": "rb-20260302-090000-abcd1234",
        "timestamp": "2026-03-02T09:00:00+00:00",
    }


@given(tries=st.integers(1, MAX_TRIES + 3), jitter=st.floats(0, 1), wish=st.none() | st.integers(0, 10**6))
def test_back_off_is_bounded_obeys_the_receiver_and_ends(tries: int, jitter: float, wish: int | None) -> None:
    asked = None if wish is None else timedelta(seconds=wish)
    again = next_try(tries, Failure("HTTP 500", retry_after=asked), now=NOW, jitter=jitter)
    if tries >= MAX_TRIES:
        assert again is None
        return
    assert again is not None
    assert timedelta(seconds=2.5) <= again - NOW <= timedelta(hours=1)
    if wish is not None:
        assert again - NOW >= min(timedelta(seconds=wish), timedelta(hours=1))


def test_a_permanent_error_is_not_tried_again() -> None:
    assert next_try(1, Failure("HTTP 404: no_service", permanent=True), now=NOW, jitter=0) is None


def test_secrets_are_cut_out_of_errors() -> None:
    url = "https://hooks.slack.example/services/T0/B0/secret"
    assert without_secrets(f"no route to {url}\nat all", [url, ""]) == "no route to [secret] at all"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_news_and_every_audience_has_words_in_every_language_that_is_offered(language: str) -> None:
    for type_ in AlertType:
        said = languages.plain(type_, {"state": "monitoring"}, language)
        assert said
        assert language == "en" or said != languages.plain(type_, {"state": "monitoring"}), type_
    for content in Content:
        words = languages.default(content, language)
        values = sample(INTERNAL if content not in PUBLIC else OUTSIDE)
        for template in (words.subject, words.text, words.html):
            assert sandbox.render(template, values).strip()
    left = languages.default(Content.BUSINESS, language).text + languages.default(Content.INTEGRATION, language).text
    assert language == "en" or not {"Time:", "Affected:", "Incident", "Details"} & set(left.replace("\n", " ").split())
    for state in IncidentState:
        assert language == "en" or languages.state(state.value, language) != state.value
