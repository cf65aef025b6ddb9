"""What is old is forgotten, and nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from monitoring.models import Bucket, Judgement, Receipt, Series, Sketch, Trigger
from monitoring.services import pruning
from tests.monitoring.conftest import Traffic

DAY = timedelta(days=1)
NOTHING = dict.fromkeys(("buckets", "judgements", "receipts", "rollups", "sketches", "series"), 0)


def counts() -> dict[str, int]:
    return {model.__name__: model.objects.count() for model in (Bucket, Judgement, Receipt, Series, Sketch)}


def prune(now: datetime) -> dict[str, int]:
    rollups = {300: 30 * DAY, 3600: 365 * DAY}
    return pruning.prune(now=now, buckets=30 * DAY, rollups=rollups, judgements=30 * DAY, receipts=2 * DAY)


def test_what_is_old_goes_and_its_series_with_it(
    error_rate: Trigger, traffic: Traffic, start: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "AT_ONCE", 7)
    traffic.melts(200)
    Receipt.objects.create(environment=error_rate.environment, batch="1", at=start)
    traffic.judged()
    full = counts()

    assert not any(prune(start + DAY).values())
    assert counts() == full
    assert prune(start + 3 * DAY) == NOTHING | {"receipts": 1}
    later = start + 30 * DAY + timedelta(seconds=100)
    assert prune(later) == NOTHING | {"buckets": full["Bucket"] // 2, "sketches": full["Sketch"] // 2}
    assert not any(prune(later).values())
    prune(start + 32 * DAY)
    assert counts() == {"Bucket": 0, "Judgement": 0, "Receipt": 0, "Series": 0, "Sketch": 0}
