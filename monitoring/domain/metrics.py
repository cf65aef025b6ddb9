"""What a metric is."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

BUCKET_SECONDS = 10
POOL, LAG, QUERY = "mongodb_connections_used", "mongodb_replication_lag_ms", "mongodb_query_ms"
DATABASE = (POOL, LAG, QUERY)  # what nctool's MongoDB is asked for by us, source `probed`


class MetricKind(StrEnum):
    """A counter adds up; a timing is a duration in milliseconds; a gauge is what something stands at."""

    COUNTER = "counter"
    TIMING = "timing"
    GAUGE = "gauge"


class Push(StrEnum):
    """The doors that take measurements, what we ask servers ourselves, and what is computed here: the sources every
    installation has.
    """

    JSON = "json"
    OTLP = "otlp"
    PUSHGATEWAY = "pushgateway"
    PROBED = "probed"
    RECORDED = "recorded"


def preferred(sources: Collection[str]) -> str:
    """The source that is read where several report a metric and nobody says which: never two added together.

    The doors first, then what is pulled, by name, then what was asked and computed here.
    """
    order = {Push.JSON: 0, Push.OTLP: 1, Push.PUSHGATEWAY: 2, Push.PROBED: 4, Push.RECORDED: 5}
    return min(sources, key=lambda source: (order.get(source, 3), source))  # type: ignore[call-overload]
