"""The communication plan: audiences with their ways and words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time

from django.conf import settings

from communications.domain import languages
from communications.domain.alerts import INSIDE_ONLY, TOPICS, AlertType, Topic
from communications.domain.audiences import MAJOR_FROM, PUBLIC, PUBLIC_TOPICS, Content, Frequency
from communications.domain.timing import Habits
from communications.domain.wording import Words
from communications.models import Audience, Channel, Route, Wording


@dataclass(frozen=True, slots=True)
class Planned:
    """An audience, read once."""

    audience: Audience
    routes: Sequence[Route]
    wordings: Sequence[Wording]

    @property
    def key(self) -> str:
        return self.audience.key

    @property
    def public(self) -> bool:
        """People outside: see PUBLIC_TOPICS."""
        return Content(self.audience.content) in PUBLIC

    @property
    def habits(self) -> Habits:
        row = self.audience
        quiet = (time.fromisoformat(row.quiet_from), time.fromisoformat(row.quiet_until)) if row.quiet_from else None
        return Habits(Frequency(row.frequency), row.zone or settings.TIME_ZONE, quiet, row.burst)

    @property
    def least_level(self) -> int:
        """Of the incidents it hears of; one that is told of major issues hears of no smaller ones."""
        major = self.audience.frequency == Frequency.MAJOR
        return max(self.audience.least_level, MAJOR_FROM if major else 1)

    def hears(self, type_: AlertType, level: int) -> bool:
        """Whether it is told of this at all. `level`: of the incident, 0 for what is about none."""
        topic = TOPICS[type_]
        if topic.value not in self.audience.topics:
            return False
        if self.public and (topic not in PUBLIC_TOPICS or type_ in INSIDE_ONLY):
            return False
        return topic is not Topic.INCIDENT or level >= self.least_level

    def words(self, type_: AlertType, channel: Channel) -> Words:
        """The most exact wording in the language of the audience, else the default one of its content in it."""
        fitting = [
            row
            for row in self.wordings
            if row.language == self.audience.language
            and row.type in ("", type_.value)
            and row.channel_kind in ("", channel.kind)
        ]
        if not fitting:
            return self.default
        best = max(fitting, key=lambda row: (bool(row.type), bool(row.channel_kind)))
        return Words(best.subject, best.text, best.html)

    @property
    def default(self) -> Words:
        return languages.default(Content(self.audience.content), self.audience.language)


SUBSCRIBERS = "subscribers"


def subscribers(language: str = languages.FIRST) -> Planned:
    """Those who subscribed on the status page in this language: an audience that is nobody's to plan."""
    row = Audience(
        key=SUBSCRIBERS,
        name="Subscribers",
        content=Content.SERVICE.value,
        frequency=Frequency.REAL_TIME.value,
        topics=[Topic.STATUS.value],
        language=language,
    )
    return Planned(row, [], [])


def plan() -> list[Planned]:
    """All audiences in their order, in three queries."""
    found = Audience.objects.prefetch_related("routes__channel", "wordings").order_by("position", "key")
    return [Planned(row, list(row.routes.all()), list(row.wordings.all())) for row in found]
