"""Which flags can be cleaned up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from flags.domain.staleness import Place, Reach, Staleness, stale

NOW = datetime(2025, 8, 11, 9, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=400)


def days(count: float | None) -> datetime | None:
    return None if count is None else NOW - timedelta(days=count)


def place(name: str, reach: Reach, since: float, asked: float | None) -> Place:
    """`since` and `asked` in days before now."""
    return Place(name, reach, NOW - timedelta(days=since), days(asked))


def kind(*places: Place, created: float = 400, counting: float | None = 400) -> Staleness | None:
    created_at = NOW - timedelta(days=created)
    found = stale(places, created_at=created_at, counting_since=days(counting), now=NOW)
    return found.kind if found else None


E, N, S = Reach.EVERYBODY, Reach.NOBODY, Reach.SOME


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ([place("production", E, 30, 0)], Staleness.SETTLED),
        ([place("production", E, 29, 0)], None),
        ([place("production", N, 45, 0)], Staleness.SETTLED),
        ([place("production", S, 45, 0)], None),
        # an environment that nobody asks in has no say
        ([place("production", E, 45, 0), place("development", S, 1, 20)], Staleness.SETTLED),
        ([place("production", E, 45, 0), place("development", S, 1, None)], Staleness.SETTLED),
        ([place("production", E, 45, 0), place("development", E, 3, 0)], None),
        ([place("production", N, 45, 0), place("development", E, 45, 0)], None),
        ([place("production", S, 1, 7)], Staleness.SILENT),
        ([place("production", S, 1, 6.9)], None),
        ([place("production", S, 1, 9), place("staging", S, 1, 2)], None),
        ([place("production", S, 1, None)], Staleness.NEVER_ASKED),
    ],
)
def test_a_flag_is_stale_when_it_tells_nobody_apart_any_more_or_nobody_asks(
    places: list[Place], expected: Staleness | None
) -> None:
    assert kind(*places) is expected


@pytest.mark.parametrize(
    ("created", "counting", "expected"),
    [
        (400, None, None),
        (400, 6.9, None),
        (400, 7, Staleness.NEVER_ASKED),
        (6.9, 400, None),
        (7, 400, Staleness.NEVER_ASKED),
    ],
)
def test_what_was_not_counted_for_a_week_says_nothing(
    created: float, counting: float | None, expected: Staleness | None
) -> None:
    assert kind(place("production", N, 100, None), created=created, counting=counting) is expected


def test_it_says_why_and_what_to_do() -> None:
    places = [place("Production", E, 45, 0), place("Staging", E, 60, 1)]
    found = stale(places, created_at=LONG_AGO, counting_since=LONG_AGO, now=NOW)
    assert found is not None
    assert found.why == "Everybody has had it for 45 days in Production, Staging."
    assert "archive" in found.todo
