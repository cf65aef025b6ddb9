"""What the variables of the environment say of channels, made into rows; nothing that people have set is changed."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction

from communications.adapters.configured import FROM
from communications.domain.alerts import Topic
from communications.domain.audiences import Content, Frequency
from communications.domain.channels import ChannelKind
from communications.models import Audience, Channel
from communications.services import audiences, channels
from communications.services.audiences import AudienceSpec, Way
from communications.services.channels import ChannelSpec
from core.actors import Actor

REASON = "set by variables of the environment"
TARGETS = {ChannelKind.EMAIL: "ALERT_EMAILS", ChannelKind.SLACK: "#ops-alerts"}


@transaction.atomic
def apply(*, actor: Actor, now: datetime) -> None:
    """Set up the channels that variables name, and see to it that somebody is told by them.

    A channel that has a secret of its own, or was set up this way before, is left alone: it may have been switched off.
    """
    for spec in _wanted():
        row = Channel.objects.filter(key=spec.key).first()
        if row is None or not (row.secret or FROM in row.settings or row.enabled):
            channels.define(spec, enabled=True, actor=actor, reason=REASON, now=now)
    ways = [Way(row.key, TARGETS.get(ChannelKind(row.kind), "")) for row in Channel.objects.filter(enabled=True)]
    if ways and not Audience.objects.exists():
        heard = [topic for topic in Topic if topic is not Topic.STATUS]
        team = AudienceSpec("operationsTeam", "Operations team", Content.OPERATIONS, Frequency.REAL_TIME, heard, ways)
        audiences.define(team, actor=actor, reason=REASON, now=now)


def _wanted() -> list[ChannelSpec]:
    given = settings.CHANNEL_SECRETS
    found = []
    if given["SLACK_BOT_TOKEN"]:
        found.append(ChannelSpec("slack", "Slack", ChannelKind.SLACK, {}, "SLACK_BOT_TOKEN"))
    elif given["SLACK_WEBHOOK_URL"]:
        found.append(ChannelSpec("slack", "Slack", ChannelKind.SLACK_WEBHOOK, {}, "SLACK_WEBHOOK_URL"))
    if given["PAGERDUTY_ROUTING_KEY"]:
        found.append(ChannelSpec("pagerduty", "PagerDuty", ChannelKind.PAGERDUTY, {}, "PAGERDUTY_ROUTING_KEY"))
    if any(settings.EMAIL_LISTS.values()):
        found.append(ChannelSpec("email", "E-mail", ChannelKind.EMAIL, {}))
    if settings.ALERTMANAGER_URL:
        fields = {"base_url": settings.ALERTMANAGER_URL}
        found.append(ChannelSpec("alertmanager", "Alertmanager", ChannelKind.ALERTMANAGER, fields))
    return found
