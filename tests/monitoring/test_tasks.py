"""The clock's side: a round leaves its heartbeat, also when there is nothing to do or something fails."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from core import heartbeats
from monitoring import tasks
from monitoring.models import Receipt, Trigger


def test_a_round_of_the_guard_beats_even_when_a_trigger_fails(error_rate: Trigger) -> None:
    Trigger.objects.update(numerator={})
    before = timezone.now()
    tasks.guard()
    assert heartbeats.last()["guard"] >= before


@pytest.mark.usefixtures("all_environments")
def test_pruning_keeps_what_the_settings_say(error_rate: Trigger) -> None:
    now = timezone.now()
    for days in (1, 3):
        Receipt.objects.create(environment=error_rate.environment, batch=str(days), at=now - timedelta(days=days))
    tasks.prune()
    assert list(Receipt.objects.values_list("batch", flat=True)) == ["1"]
    assert heartbeats.last()["prune"] >= now
