"""How nctool's databases do, kept as measurements like all others."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from core import environments
from core.errors import DomainError
from migrations_app.selectors import vitals
from migrations_app.selectors.vitals import Vitals
from monitoring.domain.metrics import LAG, POOL, QUERY, Push
from monitoring.services import ingest
from monitoring.services.ingest import Gauge

log = logging.getLogger(__name__)
Ask = Callable[[str], Vitals]


def measure_all(*, clock: Callable[[], datetime], ask: Ask = vitals.of) -> int:
    """Ask the database of every environment that has one, and store what it tells; how many answered.

    Nothing is stored of one that does not answer: the dashboard then says since when there is no figure. `clock` is
    read after each answer, since one may take seconds.
    """
    answered = 0
    for place in environments.ordered():
        if not vitals.has_database(place.key):
            continue
        try:
            told = ask(place.key)
        except (vitals.Unreachable, DomainError) as error:
            log.warning("the database of %s was not measured: %s", place.key, error)
            continue
        now = clock()
        gauges = [
            Gauge(name, {}, now.timestamp(), value)
            for name, value in ((POOL, told.connections), (LAG, told.lag_ms), (QUERY, told.query_ms))
            if value is not None
        ]
        ingest.store_gauges(place.pk, Push.PROBED, gauges, now=now)
        answered += 1
    return answered
