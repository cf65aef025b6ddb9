"""Who serves a change by now, who lags behind, and who cannot be heard any more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

MISSED = 3  # reports that an instance may miss before it counts as vanished
KEPT = timedelta(days=7)  # as long as is kept when an instance took a version, and an instance that tells no more


@dataclass(frozen=True, slots=True)
class Standing:
    """One instance, and when it first served the version in question or a later one (None: not yet).

    `interval` is in seconds: how often it reports, as it says itself.
    """

    name: str
    kind: str
    software: str
    version: int
    interval: int
    started_at: datetime
    seen_at: datetime
    stopped_at: datetime | None
    served_at: datetime | None

    def alive(self, at: datetime) -> bool:
        """Whether it ran at this moment, as far as it has told."""
        ended = self.stopped_at or self.seen_at + MISSED * timedelta(seconds=self.interval)
        return self.started_at <= at <= ended


@dataclass(frozen=True, slots=True)
class Reach:
    """How far one version of a configuration has come.

    `seen` of `total` instances that ran when it was made serve it, the last of them after `seconds`. `lagging` live
    and serve an older one; `vanished` ran then and have not been heard since, which says nothing of what they serve.
    Who started later is not counted unless it lags; who stopped in order before it served the version is not either.
    """

    seen: int
    total: int
    seconds: float | None
    lagging: tuple[Standing, ...]
    vanished: tuple[Standing, ...]


def reach(instances: Iterable[Standing], *, changed_at: datetime, now: datetime) -> Reach:
    """Sort the instances of an environment by what is known of them about the change of `changed_at`.

    Of one that is older than a week no `seconds` are told: of the instances only the last version is kept.
    """
    served: list[datetime] = []
    lagging: list[Standing] = []
    vanished: list[Standing] = []
    for instance in instances:
        then = instance.alive(changed_at)
        if instance.served_at is not None:
            served += [instance.served_at] if then else []
        elif instance.alive(now):
            lagging.append(instance)
        elif then and instance.stopped_at is None:
            vanished.append(instance)
    known = served and now - changed_at <= KEPT
    seconds = max(0.0, (max(served) - changed_at).total_seconds()) if known else None
    return Reach(len(served), len(served) + len(lagging), seconds, tuple(lagging), tuple(vanished))
