"""The kinds of channels, and what each can carry."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ChannelKind(StrEnum):
    SLACK = "slack"  # a bot's token: threads, and messages that change
    SLACK_WEBHOOK = "slack-webhook"
    PAGERDUTY = "pagerduty"
    EMAIL = "email"
    WEBHOOK = "webhook"
    APPRISE = "apprise"
    ALERTMANAGER = "alertmanager"
    IN_APP = "in-app"
    STATUS_PAGE = "status-page"


@dataclass(frozen=True, slots=True)
class Limits:
    """The most characters of a subject and of a text, and whether HTML is shown."""

    subject: int
    text: int
    html: bool = False


LIMITS = {
    ChannelKind.SLACK: Limits(150, 2900),  # header and section blocks: 150 and 3000
    ChannelKind.SLACK_WEBHOOK: Limits(150, 2900),
    ChannelKind.PAGERDUTY: Limits(1024, 8000),  # summary of an event: 1024
    ChannelKind.EMAIL: Limits(200, 100_000, html=True),
    ChannelKind.WEBHOOK: Limits(1000, 20_000),
    ChannelKind.APPRISE: Limits(200, 1800),  # the shortest of the usual services
    ChannelKind.ALERTMANAGER: Limits(1000, 8000),
    ChannelKind.IN_APP: Limits(200, 4000),
    ChannelKind.STATUS_PAGE: Limits(200, 10_000),
}
