"""The triggers of the playbook, and series that a test fills by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from monitoring.models import Trigger

KEY = "atomicMeltOperations"
ON = {"flag": KEY, "variant": "on"}
ERROR_RATE: dict[str, Any] = {
    "name": "Error rate",
    "measure": "ratio",
    "numerator": {"metric": "melt_errors_total", "labels": ON},
    "denominator": {"metric": "melt_operations_total", "labels": ON},
    "threshold": 5.0,
    "window": 10,
    "max_window": 300,
    "min_samples": 20,
    "consecutive": 2,
    "target": "flag",
    "flag_key": KEY,
}


def latch(row: Trigger, *, at: datetime) -> Trigger:
    """As the guard leaves a trigger that has fired."""
    row.state, row.verdict, row.latched_at = "latched", "BREACH", at
    row.value, row.samples, row.breaches, row.evidence = 20.0, 100, 2, {"value": 20.0}
    row.save()
    return row
