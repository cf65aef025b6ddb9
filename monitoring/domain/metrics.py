"""What a metric is."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

BUCKET_SECONDS = 10


class MetricKind(StrEnum):
    """A counter adds up; a timing is a duration in milliseconds; a gauge is what something stands at."""

    COUNTER = "counter"
    TIMING = "timing"
    GAUGE = "gauge"


class Push(StrEnum):
    """The doors that take measurements, and what is computed here: the sources every installation has."""

    JSON = "json"
    OTLP = "otlp"
    PUSHGATEWAY = "pushgateway"
    RECORDED = "recorded"


def preferred(sources: Collection[str]) -> str:
    """The source that is read where several report a metric and nobody says which: never two added together.

    The doors first, then what is pulled, by name, then what was computed here.
    """
    order = {Push.JSON: 0, Push.OTLP: 1, Push.PUSHGATEWAY: 2, Push.RECORDED: 4}
    return min(sources, key=lambda source: (order.get(source, 3), source))  # type: ignore[call-overload]
