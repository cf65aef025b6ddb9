"""The channels this installation has, from its settings."""

from __future__ import annotations

from django.conf import settings

from communications.adapters.mail import Mail
from communications.adapters.ports import Channel
from communications.adapters.slack import SlackWebhook
from communications.domain.alerts import ChannelName


def channels() -> dict[ChannelName, Channel]:
    """SLACK_WEBHOOK_URL and ALERT_EMAILS, each when it is set."""
    found: dict[ChannelName, Channel] = {}
    if settings.SLACK_WEBHOOK_URL:
        found[ChannelName.SLACK] = SlackWebhook(settings.SLACK_WEBHOOK_URL)
    if settings.ALERT_EMAILS:
        found[ChannelName.EMAIL] = Mail(settings.ALERT_EMAILS)
    return found
