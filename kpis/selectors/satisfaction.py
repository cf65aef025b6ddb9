"""What users say of the service, from the survey."""

from __future__ import annotations

from datetime import datetime


def satisfaction(*, start: datetime, end: datetime) -> tuple[float | None, int]:
    """The mean of the answers from `start` to before `end`, 1 to 5, and how many there are; None of none.

    The survey is `improvement`'s: until it is asked, nobody has answered.
    """
    return None, 0
