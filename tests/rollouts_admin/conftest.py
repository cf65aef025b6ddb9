"""The ramp and the guard of tests/rollouts, with the clock stopped at the story's morning."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest
import time_machine

from tests.rollouts.conftest import guard, ramp, template  # noqa: F401


@pytest.fixture(autouse=True)
def stopped(now: datetime) -> Iterator[time_machine.Traveller]:
    """Doors read the clock; here it stands still until a test shifts it."""
    with time_machine.travel(now, tick=False) as traveller:
        yield traveller
