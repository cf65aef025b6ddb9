"""The four delivery metrics week by week: how they went, where one figure over a quarter hides it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from kpis.domain.delivery import Deployment, middle

WEEK = timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class Week:
    """Seven days from `first` to `last`, both with it. `lead` and `restore` are medians of `leads` and `restored`."""

    first: date
    last: date
    deployments: int
    leads: int
    lead: timedelta | None
    failed: int
    restored: int
    restore: timedelta | None


def weeks(
    first: date,
    last: date,
    *,
    deployed: Sequence[tuple[date, Deployment]],
    restored: Sequence[tuple[date, timedelta]],
) -> list[Week]:
    """The weeks that end with `last`, the newest first, as far back as the one that holds `first`.

    Args:
        deployed, restored: each with its day.
    """
    found = []
    while last >= first:
        begin = last - WEEK + timedelta(days=1)
        here = [one for day, one in deployed if begin <= day <= last]
        leads = [one.lead for one in here if one.lead is not None]
        times = [took for day, took in restored if begin <= day <= last]
        failed = sum(bool(one.failed) for one in here)
        found.append(Week(begin, last, len(here), len(leads), middle(leads), failed, len(times), middle(times)))
        last -= WEEK
    return found
