"""Who is told, how often, and in whose words (seed, Communication Plan)."""

from __future__ import annotations

from enum import StrEnum

from communications.domain.alerts import Topic


class Frequency(StrEnum):
    REAL_TIME = "real-time"
    HOURLY = "hourly"  # during deployment; between two deployments only when something happened
    AS_NEEDED = "as-needed"  # drafted, and sent when a person has approved it
    MAJOR = "major"  # incidents from level 2


class Content(StrEnum):
    """What an audience gets to read; the default wordings are written for these."""

    TECHNICAL = "technical"  # details, metrics, actions
    OPERATIONS = "operations"  # system status, required actions
    BUSINESS = "business"  # high-level status, business impact
    SERVICE = "service"  # service status, expected resolution
    INTEGRATION = "integration"  # integration impact, timeline


PUBLIC = (Content.SERVICE, Content.INTEGRATION)  # for people outside
PUBLIC_TOPICS = (Topic.INCIDENT, Topic.STATUS)  # nothing else is ever told to them
MAJOR_FROM = 2  # level of an incident (issue: major issues)
