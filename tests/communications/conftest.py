"""A communication plan, channels that keep what they are given, and an emergency to tell of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from communications.domain.alerts import Topic
from communications.domain.audiences import Content, Frequency
from communications.domain.channels import ChannelKind
from communications.domain.delivery import Failure
from communications.domain.outgoing import Outgoing, Receipt
from communications.models import Announcement, Audience, Channel
from communications.selectors.outgoing import outgoing
from communications.services import announcing, audiences, sending
from communications.services.audiences import AudienceSpec, Way
from communications.services.sending import Outcome
from core import environments, events
from core.actors import Actor
from flags.services import emergency, rollout

KEY = "atomicMeltOperations"
ALL = tuple(topic.value for topic in Topic)


@dataclass
class Receiver:
    """What stands behind a channel: keeps what it is given and answers with the next of `answers`, then takes it."""

    answers: list[Receipt | Failure] = field(default_factory=list)
    got: list[Outgoing] = field(default_factory=list)

    def __call__(self, _row: Announcement, message: Outgoing) -> Receipt | Failure:
        self.got.append(message)
        return self.answers.pop(0) if self.answers else Receipt(reference=f"ref-{len(self.got)}", answer="ok")


@pytest.fixture
def channel(db: None) -> Callable[..., Channel]:
    """Make a channel: its key, and its kind where that is another word."""

    def make(key: str, kind: str = "", **fields: Any) -> Channel:
        return Channel.objects.create(key=key, name=key.title(), kind=kind or key, **fields)

    return make


@pytest.fixture
def audience(db: None, operator_actor: Actor, now: datetime) -> Callable[..., Audience]:
    """Make an audience that hears of everything at once, but for what the test says."""

    def make(key: str, ways: Sequence[Way], **fields: Any) -> Audience:
        given: dict[str, Any] = {
            "name": key,
            "content": Content.TECHNICAL,
            "frequency": Frequency.REAL_TIME,
            "topics": ALL,
            **fields,
        }
        if given["content"] in (Content.SERVICE, Content.INTEGRATION) and "topics" not in fields:
            given["topics"] = ("incident", "status")
        spec = AudienceSpec(key=key, ways=ways, **given)
        return audiences.define(spec, actor=operator_actor, reason="tests", now=now)

    return make


@pytest.fixture
def slack(channel: Callable[..., Channel], audience: Callable[..., Audience]) -> Channel:
    """The developers hear of everything in Slack."""
    made = channel("slack", ChannelKind.SLACK.value)
    audience("developmentTeam", [Way("slack", "#dev-alerts")])
    return made


@pytest.fixture
def rolled_back(flag: object, operator_actor: Actor, now: datetime) -> str:
    """A rollback that nobody has told of yet; its rollback id."""
    rollout.enable(KEY, "production", actor=operator_actor, reason="go", now=now)
    evidence = {"trigger": "error-rate", "value": 20.1, "threshold": 5.0, "samples": 50}
    return emergency.roll_back(
        KEY, "production", actor=operator_actor, reason="errors <!channel>", now=now, evidence=evidence
    )


@pytest.fixture
def happens(all_environments: None, operator_actor: Actor, now: datetime) -> Callable[..., None]:
    """Record an event in production, and announce it."""
    where = environments.get("production").pk

    def record(kind: str, about: str, /, *, at: datetime = now, **data: Any) -> None:
        events.record(kind, subject=about, actor=operator_actor, now=at, environment_id=where, reason="why", data=data)
        announcing.announce(now=at)

    return record


def send_all(channel: Channel, receiver: Callable[[Announcement, Outgoing], Receipt | Failure], now: datetime) -> int:
    """What a lane does in one look; how many were taken."""
    channel.refresh_from_db()
    rows = sending.claim(channel, most=100, now=now)
    outcomes = [Outcome(row, receiver(row, outgoing(row))) for row in rows]
    return sending.note(outcomes, now=now, jitter=lambda: 1.0)
