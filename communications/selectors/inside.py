"""Words of the inside, which must not reach people outside."""

from __future__ import annotations

import alerting.selectors
import flags.selectors
import monitoring.selectors
from core import people


def names() -> set[str]:
    """Keys of flags, names of triggers and alert rules, and of people who sign in."""
    return {
        *flags.selectors.flags().values_list("key", flat=True),
        *monitoring.selectors.triggers().values_list("key", flat=True),
        *alerting.selectors.rules().order_by().values_list("name", flat=True),
        *people.names(),
    }
