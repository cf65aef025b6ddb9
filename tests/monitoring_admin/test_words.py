"""Numbers as the screens say them."""

from __future__ import annotations

import pytest

from monitoring.admin import words
from monitoring.domain.verdict import Measure


@pytest.mark.parametrize(
    ("measure", "value", "said"),
    [
        (Measure.RATIO, 2.13, "2.13 %"),
        (Measure.MEAN, 912.4, "912 ms"),
        (Measure.COUNT, 6.0, "6"),
        (Measure.DROP, 62.5, "62.5 %"),
        (Measure.DROP, -24.6, "no drop"),
        (Measure.RATIO, None, "–"),
    ],
)
def test_a_value_is_said_with_its_unit_and_a_rise_is_no_drop(measure: Measure, value: float | None, said: str) -> None:
    assert words.amount(measure, value) == said
