"""A communication plan for tests that only want somebody to be told."""

from __future__ import annotations

from datetime import UTC, datetime

from communications.domain.alerts import Topic
from communications.domain.audiences import Content, Frequency
from communications.models import Channel
from communications.services import audiences
from communications.services.audiences import AudienceSpec, Way
from core.actors import Actor, ActorKind

WHEN = datetime(2025, 1, 1, tzinfo=UTC)


def somebody_hears(kind: str = "slack") -> Channel:
    """One audience that hears of everything at once, by one channel."""
    channel, _ = Channel.objects.get_or_create(key=kind, defaults={"name": kind.title(), "kind": kind})
    target = {"slack": "#ops-alerts", "email": "ops@example.org"}.get(kind, "")
    ways = [Way(kind, target)]
    spec = AudienceSpec(f"by-{kind}", kind, Content.OPERATIONS, Frequency.REAL_TIME, [*Topic], ways)
    audiences.define(spec, actor=Actor("tests", ActorKind.COMMAND), reason="tests", now=WHEN)
    return channel
