"""What users say of the service, from the survey."""

from __future__ import annotations

from datetime import datetime

import improvement.selectors.feedback


def satisfaction(*, start: datetime, end: datetime) -> tuple[float | None, int]:
    """The mean of the answers from `start` to before `end`, 1 to 5, and how many there are; None of none."""
    return improvement.selectors.feedback.satisfaction(start=start, end=end)
