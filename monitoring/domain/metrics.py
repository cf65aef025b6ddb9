"""What a metric is."""

from __future__ import annotations

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
