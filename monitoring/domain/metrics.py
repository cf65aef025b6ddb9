"""What a metric is."""

from __future__ import annotations

from enum import StrEnum

BUCKET_SECONDS = 10


class MetricKind(StrEnum):
    """A counter adds up; a timing is a duration in milliseconds."""

    COUNTER = "counter"
    TIMING = "timing"
