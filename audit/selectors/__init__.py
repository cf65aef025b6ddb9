"""How far the sealing is, what was verified, and what is wrong with the event log now."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min, QuerySet

from audit.adapters import keys
from audit.domain.heads import Head
from audit.models import Chain, Hold, Review, Seal, Sealer, State, Verification
from audit.selectors import walking
from core import events

BEHIND = timedelta(minutes=5)  # an event that waits longer for its seal: the sealer stands still, or cannot keep up


@dataclass(frozen=True, slots=True)
class Sealing:
    """Up to which event all is sealed, how many wait and how long the oldest of them has, in seconds.

    `ran_at`: when the sealer last wrote down that it looked, None: never. `key`: the public one, "": none.
    """

    cursor: int
    waiting: int
    lag: float
    ran_at: datetime | None
    key: str

    @property
    def behind(self) -> bool:
        return self.lag > BEHIND.total_seconds()

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something an operator should know of the event log. `words` is a sentence, `tone` bad or warn."""

    words: str
    since: datetime
    tone: str


def sealing(*, now: datetime) -> Sealing:
    """How far the sealing is. Two queries."""
    sealer = Sealer.objects.filter(pk=1).first() or Sealer()
    waiting = events.numbered(sealer.cursor, 2**63 - 1)
    found = waiting.aggregate(count=Count("pk"), oldest=Min("at"))
    lag = max(0.0, (now - found["oldest"]).total_seconds()) if found["count"] else 0.0
    return Sealing(sealer.cursor, found["count"], lag, sealer.ran_at, keys.public())


def heads() -> list[Head]:
    """Of all chains, as they stand."""
    return [walking.head(row) for row in Chain.objects.filter(number__gt=0)]


def seal_of(event_id: int) -> Seal | None:
    """The seal of an event with its chain; None: it has none yet."""
    return Seal.objects.select_related("chain").filter(event_id=event_id).first()


def verifications() -> QuerySet[Verification]:
    """All, newest first."""
    return Verification.objects.order_by("-id")


def verified() -> QuerySet[Verification]:
    """Those that came to their end, newest first."""
    return verifications().filter(state__in=[State.SOUND.value, State.BROKEN.value])


def holds() -> QuerySet[Hold]:
    """All, also released ones, newest first."""
    return Hold.objects.select_related("environment")


def reviews() -> QuerySet[Review]:
    """All, newest first."""
    return Review.objects.order_by("-id")


def trouble(last: Verification | None, *, now: datetime) -> list[Trouble]:
    """What is wrong with the event log now, worst first; [] when nothing is. Two queries.

    Args:
        last: the newest of `verified`; None: none has come to its end.
    """
    found = []
    if last and last.state == State.BROKEN and last.finished_at:
        text = f"The event log is not as it was sealed: {last.wrong:,} findings"
        found.append(Trouble(text, last.finished_at, "bad"))
    state = sealing(now=now)
    if state.behind:
        text = f"{state.waiting:,} events wait for their seal: the sealer stands still or cannot keep up"
        found.append(Trouble(text, now - timedelta(seconds=state.lag), "warn"))
    return found


def review_due(*, now: datetime) -> bool:
    """Whether somebody has to look at who may do what: never done, or longer ago than was promised then."""
    last = reviews().first()
    return last is None or now.date() >= last.due_on
