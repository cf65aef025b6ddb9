"""Old usage grows coarser and is forgotten; nothing of it is counted twice or lost on the way."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest

from core import environments
from flags.domain.acknowledging import KEPT
from flags.domain.usage import Answer
from flags.models import Acknowledgement, Flag, Instance, SeenUnit, Usage
from flags.selectors.instances import acknowledged
from flags.services import instances, upkeep, usage
from flags.services.instances import Process
from flags.services.usage import UsageSource

pytestmark = pytest.mark.django_db
NOW = datetime(2025, 8, 31, 12, 0, tzinfo=UTC)
ON, OFF = Answer("melt", "on", "SPLIT"), Answer("melt", "off", "SPLIT")


@pytest.fixture
def production(flag: Flag) -> int:
    return environments.get("production").pk


def asked(production: int, ago: timedelta, hours: int) -> None:
    """Every five minutes of these hours: three times on, once off."""
    start = NOW - ago
    for number in range(hours * 12):
        at = start + number * timedelta(minutes=5)
        usage.add(production, Counter({ON: 3, OFF: 1}), source=UsageSource.SERVER, now=at)


def rows(answer: Answer = ON) -> list[tuple[datetime, int]]:
    return list(Usage.objects.filter(variant=answer.variant).order_by("at").values_list("at", "count"))


def total() -> int:
    return sum(Usage.objects.values_list("count", flat=True))


def test_after_two_days_usage_is_kept_by_hours(production: int) -> None:
    asked(production, timedelta(days=2, hours=2), hours=4)
    before = total()
    upkeep.roll_up(now=NOW)
    two_days_ago = NOW - timedelta(days=2)
    assert rows()[:2] == [(two_days_ago - timedelta(hours=2), 36), (two_days_ago - timedelta(hours=1), 36)]
    assert [count for _, count in rows()[2:]] == [3] * 24
    assert rows(OFF)[0][1] == 12
    assert total() == before


def test_after_two_weeks_it_is_kept_by_days_in_utc(production: int) -> None:
    asked(production, timedelta(days=16), hours=24)
    before = total()
    upkeep.roll_up(now=NOW)
    assert rows() == [(datetime(2025, 8, 15, tzinfo=UTC), 36 * 12), (datetime(2025, 8, 16, tzinfo=UTC), 36 * 12)]
    assert total() == before


def test_rolling_up_again_changes_nothing(production: int) -> None:
    asked(production, timedelta(days=2, hours=2), hours=2)
    assert upkeep.roll_up(now=NOW) > 0
    kept = rows()
    assert upkeep.roll_up(now=NOW) == 0
    assert rows() == kept


def test_what_comes_late_is_joined_to_its_hour(production: int) -> None:
    asked(production, timedelta(days=2, hours=2), hours=1)
    upkeep.roll_up(now=NOW)
    asked(production, timedelta(days=2, hours=2), hours=1)
    upkeep.roll_up(now=NOW)
    assert rows() == [(NOW - timedelta(days=2, hours=2), 72)]


def test_sources_and_environments_stay_apart(production: int) -> None:
    staging = environments.get("staging").pk
    at = NOW - timedelta(days=3, minutes=-5)
    for where, source in ((production, UsageSource.SERVER), (production, UsageSource.CLIENT), (staging, "client")):
        usage.add(where, {ON: 1}, source=UsageSource(source), now=at)
    upkeep.roll_up(now=NOW)
    assert sorted(Usage.objects.values_list("environment_id", "source", "count")) == sorted(
        [(production, "server", 1), (production, "client", 1), (staging, "client", 1)]
    )


def test_old_usage_and_all_but_the_newest_npubs_are_forgotten(production: int) -> None:
    asked(production, timedelta(days=91), hours=1)
    asked(production, timedelta(days=1), hours=1)
    for day, units in ((date(2025, 8, 1), ["a", "b"]), (date(2025, 8, 2), ["c", "a"])):
        usage.see(production, units, on=day)
    gone = upkeep.prune(now=NOW, usage=timedelta(days=90), units=2)
    assert gone == {"usage": 24, "units": 1, "instances": 0, "acknowledgements": 0}
    assert sorted(SeenUnit.objects.values_list("unit", flat=True)) == ["a", "c"]
    assert {at.date() for at, _ in rows()} == {date(2025, 8, 30)}


def test_an_instance_that_tells_no_more_is_forgotten_after_a_week(production: int) -> None:
    long_ago = NOW - timedelta(days=30)

    def beat(name: str, version: int, at: datetime) -> None:
        process = Process(name, "web", "", 10, long_ago)
        instances.beat(process, {production: version}, {(production, version): at}, now=at)

    beat("gone", 41, NOW - KEPT - timedelta(seconds=1))
    for version, at in ((40, long_ago), (41, NOW - KEPT - timedelta(days=1)), (41, NOW)):
        beat("here", version, at)
    upkeep.prune(now=NOW, usage=timedelta(days=90), units=2)
    assert [row.name for row in Instance.objects.all()] == ["here"]
    assert [row.version for row in Acknowledgement.objects.all()] == [41]
    found = acknowledged("production", 40, long_ago, now=NOW)
    assert (found.seen, found.total, found.seconds) == (1, 1, None)
